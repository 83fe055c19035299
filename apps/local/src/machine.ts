import { createInterface } from 'node:readline/promises';
import { PlatformError } from '@eve/domain';
import { findEngine } from './engine.ts';
import { findPrograms, installPrograms, type MissingProgram, missingPrograms, type Programs } from './programs.ts';
import type { Log } from './run-program.ts';

export interface MachineOptions {
  readonly dataDir: string;
  readonly cacheDir: string;
  readonly dockerHost: string | null;
  /** Whether what is deployed runs on a cluster: then no engine and no router are needed here. */
  readonly cluster: boolean;
  /** Whether anything may be installed at all. */
  readonly install: boolean;
  /** Answers yes without asking. */
  readonly yes: boolean;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Sees to it that the programs are on this machine: says what is missing, asks once on a terminal, installs. */
export async function prepareMachine(options: MachineOptions): Promise<Programs> {
  const { dataDir, cacheDir, dockerHost, cluster, log, signal } = options;
  const found = cluster ? null : await findEngine({ dataDir, dockerHost });
  const engine = !cluster && (found === null || found.own);
  const missing = await missingPrograms({ engine, machine: !cluster, baseImages: false, cacheDir });
  if (missing.length > 0) {
    log(
      `Eve needs ${missing.length === 1 ? 'a program' : `${missing.length} programs`} that this machine does not have:`,
    );
    for (const { name, debian, why } of missing) log(`  ${name.padEnd(10)} ${why} (Debian package ${debian})`);
    await agree(options, missing);
    await installPrograms(missing, { cacheDir, log, signal });
  }
  return findPrograms({ cacheDir });
}

async function agree({ install, yes, signal }: MachineOptions, missing: readonly MissingProgram[]): Promise<void> {
  const packages = missing.map(({ debian }) => debian).join(' ');
  const byHand = `Install ${packages} yourself, then start again.`;
  if (!install) throw new PlatformError('engine_unavailable', `EVE_INSTALL is off, so nothing is installed. ${byHand}`);
  if (yes || !process.stdin.isTTY) return;
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await prompt.question('Install them now? [Y/n] ', { signal });
    if (/^\s*n/i.test(answer)) throw new PlatformError('engine_unavailable', `Nothing was installed. ${byHand}`);
  } finally {
    prompt.close();
  }
}
