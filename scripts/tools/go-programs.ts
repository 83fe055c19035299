import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pickVariables, runProgram, systemPath } from '@eve/adapter-process';
import { findGo, type ToolOptions } from './go.ts';

export interface GoPrograms {
  /** What they are called together. */
  readonly title: string;
  /** The directory with go.mod and go.sum. */
  readonly module: URL;
  /** Names of files, and the packages that they are made of. */
  readonly programs: Readonly<Record<string, string>>;
  /** Variables that the linker sets. */
  readonly stamps: Readonly<Record<string, string>>;
}

/** Builds a module's programs into a directory, which appears only once it has all of them. */
export async function buildGoPrograms(
  place: string,
  { title, module, programs, stamps }: GoPrograms,
  { cacheDir, say, signal }: ToolOptions,
): Promise<void> {
  const go = await findGo({ cacheDir, say, signal });
  await mkdir(dirname(place), { recursive: true });
  const scratch = await mkdtemp(`${place}-new-`);
  const linker = ['-s', '-w', ...Object.entries(stamps).flatMap(([name, value]) => ['-X', `${name}=${value}`])];
  const flags = ['-trimpath', '-mod=readonly', '-buildvcs=false', '-ldflags', linker.join(' ')];
  try {
    say(`building ${title} from source with ${go.version} (pinned by checksum, kept in ${cacheDir})`);
    for (const [name, source] of Object.entries(programs)) {
      const began = Date.now();
      await runProgram({
        file: 'nice',
        args: ['-n', '10', go.file, 'build', ...flags, '-o', join(scratch, name), source],
        cwd: fileURLToPath(module),
        env: { PATH: systemPath, ...pickVariables(process.env, forGo), CGO_ENABLED: '0', GOTOOLCHAIN: 'local' },
        signal,
        onLine: (_, line) => say(`  ${line}`),
      });
      say(`  ${name} ${((Date.now() - began) / 1000).toFixed(1)} s`);
    }
    // Whoever was faster has the same.
    await rename(scratch, place).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Where modules come from and are kept is the machine's affair. */
const forGo = [
  ...['HOME', 'XDG_CACHE_HOME', 'GOPATH', 'GOCACHE', 'GOMODCACHE', 'GOPROXY', 'GOSUMDB', 'GONOSUMDB', 'GONOSUMCHECK'],
  ...['GOFLAGS', 'GOENV', 'GOINSECURE', 'GOPRIVATE', 'GONOPROXY', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'],
  ...['http_proxy', 'https_proxy', 'no_proxy', 'SSL_CERT_FILE', 'SSL_CERT_DIR'],
];
