import { opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ProgramFailed, runProgram } from '@eve/adapter-process';
import { PlatformError } from '@eve/domain';
import type { RegistryStorage } from '@eve/operations';
import { placeOf, type RegistryOptions, startRegistry } from './distribution.ts';
import { collectInRegistryContainer } from './registry-container.ts';
import { storedManifests } from './stored-manifests.ts';

const reopenAttempts = 5;

/**
 * The storage of the registry that `startRegistry` runs with these options. To collect, the registry is started read-only,
 * whose configuration is not the one that a start wants: after a crash the next start opens it again.
 */
export function registryStorage(options: RegistryOptions): RegistryStorage {
  const place = placeOf(options.dataDir);
  return {
    manifests: (signal) => storedManifests(place.storageDir, signal),

    async collect(signal) {
      const before = await bytesBelow(place.storageDir);
      signal.throwIfAborted();
      try {
        const running = await startRegistry({ ...options, readOnly: true }, signal);
        if ('container' in running && options.container) {
          await collectInRegistryContainer(options.container, running.container, place.configFile);
        } else if (options.program) {
          await runCollector(options.program, place.configFile, options.dataDir, signal);
        }
      } finally {
        await reopen(options);
      }
      return { freedBytes: Math.max(0, before - (await bytesBelow(place.storageDir))) };
    },
  };
}

/** Ends even when the signal has ended: a registry that stays closed helps nobody. */
async function reopen(options: RegistryOptions): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await startRegistry(options);
      return;
    } catch (error) {
      if (attempt === reopenAttempts) throw error;
    }
  }
}

async function runCollector(program: string, configFile: string, cwd: string, signal: AbortSignal): Promise<void> {
  try {
    await runProgram({ file: program, args: ['garbage-collect', configFile], cwd, signal, maxCapturedBytes: 4_000 });
  } catch (error) {
    if (!(error instanceof ProgramFailed)) throw error;
    const last = error.output.stderr.trim().split('\n').at(-1) ?? '';
    throw new PlatformError('registry_unavailable', `The registry's storage was not collected: ${last.slice(0, 300)}`, {
      cause: error,
    });
  }
}

async function bytesBelow(directory: string): Promise<number> {
  let bytes = 0;
  const entries = await opendir(directory, { recursive: true });
  for await (const entry of entries) {
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name)).catch(() => null))?.size ?? 0;
  }
  return bytes;
}
