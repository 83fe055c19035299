import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dockerEngine, removeImage } from '@eve/adapter-docker';
import { z } from 'zod';

export interface BareBuild {
  readonly engine: string;
  readonly buildx: string;
  readonly context: string;
  readonly tags: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly configDir: string;
  readonly noCache: boolean;
}

/** Writes a configuration directory with the login to one registry; the token is in the file, not in arguments. */
export async function registryConfig(directory: string, host: string, token: string): Promise<string> {
  const configDir = join(directory, 'docker-config');
  await mkdir(configDir, { recursive: true, mode: 0o700 });
  const auth = Buffer.from(`bench:${token}`).toString('base64');
  await writeFile(join(configDir, 'config.json'), JSON.stringify({ auths: { [host]: { auth } } }), { mode: 0o600 });
  return configDir;
}

/** Builds and pushes with the engine's own command and the flags that Eve gives; answers with the time it took. */
export async function bareBuild(build: BareBuild, onOutput?: (part: string) => void): Promise<number> {
  const began = performance.now();
  const child = spawn(
    build.buildx,
    [
      'build',
      '--push',
      '--progress=rawjson',
      '--provenance=false',
      `--file=${join(build.context, 'Dockerfile')}`,
      ...build.tags.map((tag) => `--tag=${tag}`),
      ...Object.entries(build.labels).map(([name, value]) => `--label=${name}=${value}`),
      ...(build.noCache ? ['--no-cache'] : []),
      `--metadata-file=${join(build.configDir, 'metadata.json')}`,
      '--',
      build.context,
    ],
    {
      env: {
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        HOME: build.configDir,
        DOCKER_CONFIG: build.configDir,
        DOCKER_HOST: build.engine,
        BUILDX_GIT_INFO: 'false',
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let printed = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    printed = (printed + part).slice(-1_000_000);
    onOutput?.(part);
  });
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0) throw new Error(`The bare build failed: ${printed.slice(-400)}`);
  return performance.now() - began;
}

const Images = z.array(
  z.object({ RepoTags: z.array(z.string()).nullable(), RepoDigests: z.array(z.string()).nullable() }),
);

/** Removes the images that a registry of this run gave names to. */
export async function removeImagesOf(host: string, registry: string): Promise<void> {
  const engine = dockerEngine({ socketPath: host });
  const images = Images.parse(await engine.call('GET', '/images/json').catch(() => []));
  const names = images.flatMap(({ RepoTags, RepoDigests }) => [...(RepoTags ?? []), ...(RepoDigests ?? [])]);
  for (const name of names) if (name.startsWith(`${registry}/`)) await removeImage(engine, name).catch(() => undefined);
}
