import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PlatformError } from '@eve/domain';
import { debianMirrors } from './apt-mirror.ts';
import type { Log } from './run-program.ts';
import { runProgram, tryProgram } from './run-program.ts';

/** The buildx of the next Debian, which needs nothing newer than this one's C library. */
export const buildxPackage = {
  version: '0.13.1+ds1-3',
  sha256: {
    x64: 'fcf8c48204d1603c8f209451d7827eb91bf30759578baf7704e9e1a87e5f1d7f',
    arm64: '6cf361ab892b55753b728adcbd1a99f0616711df853dba64a5297a4a676d96b0',
  },
} as const;

export interface PackageFile {
  readonly path: string;
  readonly sha256: string;
}

/** Where the pinned package lies on a Debian mirror, or null for a processor that it was not pinned for. */
export function buildxPackageFile(processor: string): PackageFile | null {
  if (processor !== 'x64' && processor !== 'arm64') return null;
  const architecture = processor === 'x64' ? 'amd64' : 'arm64';
  return {
    path: `pool/main/d/docker-buildx/docker-buildx_${buildxPackage.version}_${architecture}.deb`,
    sha256: buildxPackage.sha256[processor],
  };
}

/** Where the unpacked program lies below the cache directory. */
export function unpackedBuildx(cacheDir: string): string {
  return join(cacheDir, `buildx-${buildxPackage.version}`, 'usr/libexec/docker/cli-plugins/docker-buildx');
}

/** Downloads and unpacks the pinned package beside the system, unless that was done before. Answers with the program. */
export async function unpackBuildx(cacheDir: string, log: Log, signal?: AbortSignal): Promise<string> {
  const program = unpackedBuildx(cacheDir);
  if (await isBuildx(program)) return program;
  const file = buildxPackageFile(process.arch);
  if (!file) {
    throw new PlatformError(
      'engine_capability_missing',
      `No docker buildx ≥ 0.13 was found, and none is known here for the processor ${process.arch}. Install docker-buildx and start again.`,
    );
  }
  log(`downloading docker-buildx ${buildxPackage.version} from Debian (pinned by checksum, kept in ${cacheDir})`);
  await mkdir(cacheDir, { recursive: true });
  const scratch = await mkdtemp(join(cacheDir, 'buildx-new-'));
  try {
    const { main } = await debianMirrors(signal);
    const deb = join(scratch, 'docker-buildx.deb');
    await runProgram(
      '/usr/lib/apt/apt-helper',
      // Without the sandbox user of apt, who may not enter a private directory; the checksum is what is trusted.
      ['-o', 'APT::Sandbox::User=root', 'download-file', `${main}/${file.path}`, deb, `SHA256:${file.sha256}`],
      { signal },
    );
    await runProgram('dpkg-deb', ['-x', deb, join(scratch, 'root')], { signal });
    const place = join(cacheDir, `buildx-${buildxPackage.version}`);
    await rm(place, { recursive: true, force: true });
    await rename(join(scratch, 'root'), place);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return program;
}

/** Whether a program is a buildx that knows `--progress=rawjson`, which came with 0.13. */
export async function isBuildx(program: string): Promise<boolean> {
  const ended = await tryProgram(program, ['version']).catch(() => null);
  return ended?.code === 0 && isRecentBuildx(ended.stdout);
}

/** Reads a line such as `github.com/docker/buildx 0.13.1+ds1 0.13.1+ds1-3`. */
export function isRecentBuildx(versionLine: string): boolean {
  const [, major, minor] = /buildx v?(\d+)\.(\d+)/.exec(versionLine) ?? [];
  if (major === undefined || minor === undefined) return false;
  return Number(major) > 0 || Number(minor) >= 13;
}
