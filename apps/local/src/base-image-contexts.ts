import { copyFile, cp, link, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DebianMirrors } from './apt-mirror.ts';
import { debianMirrors } from './apt-mirror.ts';
import { extraCertificates } from './extra-certificates.ts';
import type { Log } from './run-program.ts';
import { runProgram, tryProgram } from './run-program.ts';

/** Images that Eve can make out of Debian's and npm's packages. */
export const baseImages = ['debian:12-slim', 'node:24-slim', 'python:3.11-slim', 'postgres:15'] as const;
export type BaseImage = (typeof baseImages)[number];

export interface ContextOptions {
  /** Keeps what is slow to get, so that the next installation is fast. */
  readonly cacheDir: string;
  /** Files with certificate authorities besides those of the system, such as the one Node was told of. */
  readonly extraCaFiles: readonly string[];
  readonly mmdebstrap: string;
  readonly log: Log;
  readonly signal?: AbortSignal;
}

const npmVersion = '11.21.2';
const rootfsLifetimeMs = 30 * 24 * 3_600_000;
const trustedFile = '/etc/ssl/certs/ca-certificates.crt';

/** Fills a directory with what one image is built from, and answers with the build arguments. */
export async function fillContext(image: BaseImage, directory: string, options: ContextOptions): Promise<string[]> {
  const recipe = fileURLToPath(new URL(`../base-images/${image.split(':')[0]}`, import.meta.url));
  await cp(recipe, directory, { recursive: true });
  if (image === 'debian:12-slim') await fillDebian(directory, options);
  return image === 'node:24-slim' ? fillNode(directory, options) : [];
}

async function fillDebian(directory: string, options: ContextOptions): Promise<void> {
  const rootfs = await debianRootfs(options);
  await link(rootfs, join(directory, 'rootfs.tar')).catch(() => copyFile(rootfs, join(directory, 'rootfs.tar')));
  const certificates = await extraCertificates(options.extraCaFiles);
  await mkdir(join(directory, 'ca'));
  for (const { fileName, pem } of certificates) await writeFile(join(directory, 'ca', fileName), pem);
  if (certificates.length === 0) return;
  options.log(
    `debian:12-slim gets the ${certificates.length} certificate authorities that this machine adds to Debian's`,
  );
  // Node, pip and Python's requests bring lists of their own and look at these.
  const names = ['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS', 'PIP_CERT', 'REQUESTS_CA_BUNDLE'];
  const line = `ENV ${names.map((name) => `${name}=${trustedFile}`).join(' ')}\n`;
  await writeFile(join(directory, 'Dockerfile'), line, { flag: 'a' });
}

async function debianRootfs({ cacheDir, mmdebstrap, log, signal }: ContextOptions): Promise<string> {
  const file = join(cacheDir, `debian-12-${process.arch}.tar`);
  const made = await stat(file).catch(() => null);
  if (made && Date.now() - made.mtimeMs < rootfsLifetimeMs) return file;
  log(`making a Debian 12 root file system with mmdebstrap, about half a minute (kept in ${cacheDir})`);
  await mkdir(cacheDir, { recursive: true });
  const fresh = `${file}.${process.pid}`;
  try {
    await runProgram(mmdebstrap, mmdebstrapArguments(fresh, await debianMirrors(signal)), { signal });
    await rename(fresh, file);
  } finally {
    await rm(fresh, { force: true });
  }
  return file;
}

/** The whole of what mmdebstrap is asked. Documentation and translations stay out of the image, for good. */
export function mmdebstrapArguments(tar: string, { main, security }: DebianMirrors): string[] {
  return [
    '--variant=minbase',
    '--include=ca-certificates',
    '--dpkgopt=force-unsafe-io',
    '--dpkgopt=path-exclude=/usr/share/doc/*',
    '--dpkgopt=path-include=/usr/share/doc/*/copyright',
    '--dpkgopt=path-exclude=/usr/share/man/*',
    '--dpkgopt=path-exclude=/usr/share/locale/*',
    '--format=tar',
    'bookworm',
    tar,
    `deb ${main} bookworm main`,
    `deb ${main} bookworm-updates main`,
    `deb ${security} bookworm-security main`,
  ];
}

async function fillNode(directory: string, { cacheDir, signal }: ContextOptions): Promise<string[]> {
  const node = nodeProgram();
  const target = join(directory, 'node');
  // The symbols are a seventh of the file; without binutils they stay.
  const stripped = await tryProgram('strip', ['-o', target, node], { signal }).catch(() => null);
  if (stripped?.code !== 0) await copyFile(node, target);
  await mkdir(cacheDir, { recursive: true });
  const archive = join(cacheDir, `npm-${npmVersion}.tgz`);
  if (!(await stat(archive).catch(() => null))) {
    await runProgram('npm', ['pack', '--silent', `--pack-destination=${directory}`, `npm@${npmVersion}`], { signal });
    await rename(join(directory, `npm-${npmVersion}.tgz`), archive);
  }
  await runProgram('tar', ['-xzf', archive, '-C', directory], { signal });
  const version = (await runProgram(node, ['--version'])).trim().replace(/^v/, '');
  return [`NODE_VERSION=${version}`];
}

/** Node as npm ships it, which asks little of the system it runs on; else the one that runs this. */
function nodeProgram(): string {
  try {
    const description = import.meta.resolve(`node-linux-${process.arch}/package.json`);
    return join(dirname(fileURLToPath(description)), 'bin/node');
  } catch {
    return process.execPath;
  }
}
