import { createWriteStream } from 'node:fs';
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { dockerEngine } from '@eve/adapter-docker';
import { runProgram } from '@eve/adapter-process';
import { baseImages } from '@eve/local';
import type { Cluster } from './cluster.ts';

export interface PushOptions {
  readonly cluster: Cluster;
  /** An engine that has the base images. */
  readonly engine: { readonly buildx: string; readonly dockerHost: string };
  /** The directory with the programs of `npm run tools -- buildkit`. */
  readonly buildkit: string;
  /** For files of the time of pushing; it is removed then. */
  readonly scratch: string;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

const buildkitImage = 'eve/buildkit:test';

/** Where the image with BuildKit lies in a registry. */
export const buildkitImageIn = (registry: string) => `${registry}/${buildkitImage}`;

/**
 * Gives a cluster's registry what tests need: the engine's base images, as `<registry>/library/node:24-slim`, and an image
 * with BuildKit for pods. Their layers are not compressed, which takes a tenth of the time.
 */
export async function pushTestImages({ cluster, engine, scratch, say, ...options }: PushOptions): Promise<void> {
  const began = performance.now();
  const { signal } = options;
  const archive = join(scratch, 'images.tar');
  await mkdir(scratch, { recursive: true });
  try {
    await buildBuildkit({ engine, scratch, ...options });
    const images = [...baseImages, buildkitImage].map((name) => `names=${encodeURIComponent(name)}`);
    const docker = dockerEngine({ socketPath: engine.dockerHost });
    const saved = await docker.stream('GET', `/images/get?${images.join('&')}`, { signal });
    await pipeline(saved, createWriteStream(archive), { signal });
    const ofHub = (name: string) => `docker.io/${name.includes('/') ? name : `library/${name}`}`;
    await cluster.publish(archive, [...baseImages, buildkitImage].map(ofHub));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  say(`pushed the images of tests in ${((performance.now() - began) / 1000).toFixed(1)} s`);
}

async function buildBuildkit({
  engine,
  buildkit,
  scratch,
  signal,
}: Pick<PushOptions, 'engine' | 'buildkit' | 'scratch' | 'signal'>): Promise<void> {
  const context = join(scratch, 'buildkit');
  await mkdir(context);
  await copyFile(fileURLToPath(new URL('buildkit-image/Dockerfile', import.meta.url)), join(context, 'Dockerfile'));
  for (const name of ['buildkitd', 'buildctl', 'rootlesskit'])
    await copyFile(join(buildkit, name), join(context, name));
  await runProgram({
    file: engine.buildx,
    args: ['build', '--builder=default', '--progress=plain', '--load', `--tag=${buildkitImage}`, context],
    env: { DOCKER_HOST: engine.dockerHost, DOCKER_CONFIG: join(scratch, 'docker'), HOME: scratch },
    signal,
  });
}
