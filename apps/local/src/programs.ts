import { access, constants, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PlatformError } from '@eve/domain';
import { isBuildx, unpackBuildx, unpackedBuildx } from './buildx-package.ts';
import type { Log } from './run-program.ts';
import { runProgram } from './run-program.ts';
import { disableServices, holdServices, newServices } from './service-autostart.ts';

interface Requirement {
  /** What the program may be called, the first that is found being used. */
  readonly files: readonly string[];
  readonly debian: string;
  readonly why: string;
  /** Only for an engine that Eve starts, for making base images, or where this machine runs what is deployed. */
  readonly only?: 'engine' | 'baseImages' | 'machine';
}

const requirements = {
  certificates: {
    files: ['update-ca-certificates'],
    debian: 'ca-certificates',
    why: 'says which https servers may be trusted',
  },
  git: { files: ['git'], debian: 'git', why: 'fetches sources' },
  registry: {
    files: ['docker-registry', 'registry'],
    debian: 'docker-registry',
    why: 'keeps the images that are built',
  },
  haproxy: {
    files: ['haproxy'],
    debian: 'haproxy',
    why: 'routes requests to what is deployed',
    only: 'machine',
  },
  mke2fs: { files: ['mke2fs'], debian: 'e2fsprogs', why: 'makes root file systems' },
  openssl: {
    files: ['openssl'],
    debian: 'openssl',
    why: 'makes the certificate that registry tokens are checked with',
  },
  dockerd: { files: ['dockerd'], debian: 'docker.io', why: 'builds images and runs them', only: 'engine' },
  ip: { files: ['ip'], debian: 'iproute2', why: 'gives the engine a network of its own', only: 'engine' },
  iptables: { files: ['iptables'], debian: 'iptables', why: 'lets containers reach the network', only: 'engine' },
  mmdebstrap: { files: ['mmdebstrap'], debian: 'mmdebstrap', why: 'makes the base images here', only: 'baseImages' },
} as const satisfies Record<string, Requirement>;

export type ProgramName = keyof typeof requirements | 'buildx';

export interface MissingProgram {
  readonly name: string;
  /** The Debian package that has it. */
  readonly debian: string;
  readonly why: string;
}

/** Paths of the programs that were found. */
export type Programs = Partial<Readonly<Record<ProgramName, string>>>;

export interface ProgramNeeds {
  /** Whether Eve has to start an engine, because none runs. */
  readonly engine: boolean;
  /** Whether this machine runs what is deployed, and not a cluster; it does unless said. */
  readonly machine?: boolean;
  /** Whether base images have to be made on this machine. */
  readonly baseImages: boolean;
  /** Where what is unpacked beside the system lies. */
  readonly cacheDir: string;
  /** Directories looked in after the system's own. */
  readonly searchPath?: readonly string[];
}

/** The system's directories come first: what the distribution ships is what was tried together. */
const systemPath = ['/usr/bin', '/usr/sbin', '/bin', '/sbin', '/usr/local/bin', '/usr/local/sbin'];

/** Looks for every program there is a use for, wanted now or not. */
export async function findPrograms(needs: Pick<ProgramNeeds, 'cacheDir' | 'searchPath'>): Promise<Programs> {
  const path = [...systemPath, ...(needs.searchPath ?? [])];
  const found: Partial<Record<ProgramName, string>> = {};
  for (const [name, { files }] of Object.entries(requirements)) {
    const file = await firstExecutable(files.flatMap((file) => path.map((directory) => join(directory, file))));
    // The keys of `requirements` are program names.
    if (file) found[name as ProgramName] = file;
  }
  const buildx = await findBuildx([...buildxPlaces(path), unpackedBuildx(needs.cacheDir)]);
  if (buildx) found.buildx = buildx;
  return found;
}

/** What is needed and not there, in the words of a Debian system. */
export async function missingPrograms(needs: ProgramNeeds): Promise<MissingProgram[]> {
  const found = await findPrograms(needs);
  const { machine = true } = needs;
  const wanted = { ...needs, machine };
  const missing: MissingProgram[] = Object.entries(requirements)
    .filter(([name, it]) => !found[name as ProgramName] && (!('only' in it) || wanted[it.only]))
    .map(([name, { debian, why }]) => ({ name, debian, why }));
  if (machine && !found.buildx)
    missing.push({ name: 'buildx', debian: 'docker-buildx', why: 'drives builds (0.13 or newer)' });
  return missing;
}

/** Installs what is missing on a Debian system as root; says on any other what a person has to install. */
export async function installPrograms(
  missing: readonly MissingProgram[],
  { cacheDir, log, signal }: { cacheDir: string; log: Log; signal?: AbortSignal },
): Promise<void> {
  if (missing.length === 0) return;
  const reason = await whyNotInstallable();
  if (reason) throw new PlatformError('engine_unavailable', installByHand(missing, reason));

  const packages = [...new Set(missing.filter(({ name }) => name !== 'buildx').map(({ debian }) => debian))];
  if (packages.length > 0) {
    log(`installing Debian packages: ${packages.join(', ')}`);
    const aptGet = ['DEBIAN_FRONTEND=noninteractive', 'apt-get']; // with our proxy settings, if there are any
    const services = await newServices(packages);
    await using _held = await holdServices();
    await runProgram('env', [...aptGet, 'update', '-q'], { signal });
    await runProgram('env', [...aptGet, ...aptInstallArguments(packages)], { signal });
    await disableServices(services);
  }
  if (missing.some(({ name }) => name === 'buildx')) await unpackBuildx(cacheDir, log, signal);
}

/** The arguments of apt-get that install without questions, extras or waiting for ever. */
export function aptInstallArguments(packages: readonly string[]): string[] {
  return ['install', '-q', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120', '--', ...packages];
}

/** The sentence for a machine where Eve may not install anything. */
export function installByHand(missing: readonly MissingProgram[], reason: string): string {
  const list = missing.map(({ name, debian, why }) => `  ${name} (${why}; on Debian: ${debian})`);
  return `${reason} Install these and start again:\n${list.join('\n')}`;
}

async function whyNotInstallable(): Promise<string | null> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  if (!/^ID="?debian"?$/m.test(release)) return 'Programs are missing, and Eve installs them only on Debian.';
  if (process.getuid?.() !== 0) return 'Programs are missing, and only root may install them.';
  return null;
}

function buildxPlaces(path: readonly string[]): string[] {
  const plugins = ['/usr/libexec', '/usr/lib', '/usr/local/libexec', '/usr/local/lib'];
  return [
    ...plugins.map((directory) => join(directory, 'docker/cli-plugins/docker-buildx')),
    ...path.map((directory) => join(directory, 'docker-buildx')),
  ];
}

async function findBuildx(places: readonly string[]): Promise<string | undefined> {
  for (const place of places) {
    if ((await firstExecutable([place])) && (await isBuildx(place))) return place;
  }
  return undefined;
}

async function firstExecutable(files: readonly string[]): Promise<string | undefined> {
  for (const file of files) {
    const usable = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (usable) return file;
  }
  return undefined;
}
