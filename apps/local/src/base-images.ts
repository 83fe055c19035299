import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { processOf, systemPath } from '@eve/adapter-process';
import { PlatformError } from '@eve/domain';
import type { BaseImage } from './base-image-contexts.ts';
import { baseImages, fillContext } from './base-image-contexts.ts';
import { callEngine } from './engine-api.ts';
import { findPrograms, installPrograms, missingPrograms } from './programs.ts';
import type { Log } from './run-program.ts';
import { runProgram } from './run-program.ts';

export interface EnsureBaseImagesOptions {
  /** The engine's host, such as `unix:///run/docker.sock`. */
  readonly engine: string;
  /** What is going to be built on or run; names that Eve has no recipe for are left to the engine. */
  readonly images: readonly string[];
  readonly cacheDir: string;
  readonly extraCaFiles: readonly string[];
  readonly searchPath?: readonly string[];
  readonly log: Log;
  readonly signal?: AbortSignal;
}

/**
 * Sees to it that the engine can use the images: it has them, or can pull them, or they are made here. Answers with
 * those that were made.
 */
export async function ensureBaseImages(options: EnsureBaseImagesOptions): Promise<BaseImage[]> {
  await sweepScratch(options.cacheDir);
  const wanted = baseImages.filter((image) => options.images.includes(image));
  const absent: BaseImage[] = [];
  for (const image of wanted) if (!(await hasImage(options.engine, image))) absent.push(image);
  const [first] = absent;
  if (!first || (await canPull(options.engine, first, options.signal))) return [];
  options.log(`Docker Hub cannot be reached from the engine: making ${absent.join(', ')} on this machine`);

  const programs = await programsFor(options);
  const base = 'debian:12-slim';
  const makeBase = !(await hasImage(options.engine, base));
  if (makeBase) await makeImage(base, options, programs);
  const others = absent.filter((image) => image !== base);
  await Promise.all(others.map((image) => makeImage(image, options, programs)));
  return makeBase ? [base, ...others] : others;
}

interface MakingPrograms {
  readonly buildx: string;
  readonly mmdebstrap: string;
}

async function programsFor({ cacheDir, searchPath, log, signal }: EnsureBaseImagesOptions): Promise<MakingPrograms> {
  const needs = { engine: false, baseImages: true, cacheDir, searchPath };
  const missing = (await missingPrograms(needs)).filter(({ name }) => name === 'buildx' || name === 'mmdebstrap');
  await installPrograms(missing, { cacheDir, log, signal });
  const { buildx, mmdebstrap } = await findPrograms(needs);
  if (buildx && mmdebstrap) return { buildx, mmdebstrap };
  throw new PlatformError('engine_unavailable', 'Base images cannot be made without docker-buildx and mmdebstrap.');
}

const scratchName = 'base-image-';

/** Removes what making an image left behind in the cache directory where its process was killed. */
export async function sweepScratch(cacheDir: string): Promise<void> {
  const left = (await readdir(cacheDir).catch(() => [])).filter((entry) => entry.startsWith(scratchName));
  for (const entry of left) {
    const pid = Number(/^(\d+)-/.exec(entry.slice(scratchName.length))?.[1] ?? 0);
    if (pid === 0 || !(await processOf(pid))) await rm(join(cacheDir, entry), { recursive: true, force: true });
  }
}

async function makeImage(image: BaseImage, options: EnsureBaseImagesOptions, programs: MakingPrograms): Promise<void> {
  const began = Date.now();
  await mkdir(options.cacheDir, { recursive: true });
  const scratch = await mkdtemp(join(options.cacheDir, `${scratchName}${process.pid}-`));
  try {
    const context = join(scratch, 'context');
    const args = await fillContext(image, context, { ...options, mmdebstrap: programs.mmdebstrap });
    await runProgram(programs.buildx, baseImageArguments(image, args, context), {
      env: { PATH: systemPath, DOCKER_HOST: options.engine, DOCKER_CONFIG: join(scratch, 'docker') },
      signal: options.signal,
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  options.log(`made ${image} in ${((Date.now() - began) / 1000).toFixed(1)} s`);
}

/** The whole of what buildx is asked for one base image. */
export function baseImageArguments(image: BaseImage, args: readonly string[], context: string): string[] {
  return [
    'build',
    '--builder=default',
    '--progress=plain',
    '--load',
    `--tag=${image}`,
    '--label=io.eve.base-image=made-here',
    ...args.map((arg) => `--build-arg=${arg}`),
    context,
  ];
}

async function hasImage(engine: string, image: string): Promise<boolean> {
  const answer = await callEngine(engine, `/images/${encodeURIComponent(image)}/json`);
  return answer.status === 200;
}

/** Whether the engine finds the image where it would pull it from; no answer in a few seconds counts as no. */
async function canPull(engine: string, image: string, signal?: AbortSignal): Promise<boolean> {
  const path = `/distribution/${encodeURIComponent(image)}/json`;
  const answer = await callEngine(engine, path, { timeoutMs: 6_000, signal }).catch(() => null);
  signal?.throwIfAborted();
  return answer?.status === 200;
}

export interface RegistryLogin {
  readonly username: string;
  readonly password: string;
}

/** Pushes base images that the engine has as `<registry>/library/<name>`, where a mirror of Docker Hub serves them. */
export async function pushBaseImages(
  engine: string,
  registryHost: string,
  login: RegistryLogin | null,
  options: { images?: readonly string[]; log: Log; signal?: AbortSignal },
): Promise<void> {
  for (const image of options.images ?? baseImages) {
    if (!(await hasImage(engine, image))) continue;
    const [name = image, tag = 'latest'] = image.split(':');
    const repository = `${registryHost}/library/${name}`;
    await expectDone(engine, `/images/${image}/tag?${new URLSearchParams({ repo: repository, tag })}`, 'POST', options);
    const credentials = JSON.stringify({ ...login, serveraddress: registryHost });
    // The engine wants the padding that base64url leaves out.
    const auth = Buffer.from(credentials).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
    const headers = { 'X-Registry-Auth': auth };
    try {
      await expectDone(engine, `/images/${repository}/push?tag=${tag}`, 'POST', { ...options, headers });
    } finally {
      await callEngine(engine, `/images/${repository}:${tag}?noprune=true`, { method: 'DELETE' });
    }
    options.log(`pushed ${repository}:${tag}`);
  }
}

async function expectDone(
  engine: string,
  path: string,
  method: 'POST',
  { headers, signal }: { headers?: Readonly<Record<string, string>>; signal?: AbortSignal },
): Promise<void> {
  const answer = await callEngine(engine, path, { method, headers, signal, timeoutMs: 300_000 });
  const failure = answer.status < 300 ? failureIn(answer.body) : answer.body.trim();
  if (failure === null) return;
  throw new PlatformError('engine_unavailable', `The engine could not do ${method} ${path}: ${failure}`);
}

/** A push answers 200 and tells of its failure in a line of its stream. */
export function failureIn(stream: string): string | null {
  const line = stream.split('\n').find((text) => text.includes('"errorDetail"'));
  // The engine's documented shape of such a line.
  return line === undefined ? null : ((JSON.parse(line) as { readonly error?: string }).error ?? 'it failed');
}
