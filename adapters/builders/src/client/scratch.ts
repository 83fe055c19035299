import { copyFile, mkdir, realpath, rm, writeFile } from 'node:fs/promises';
import { basename, join, sep } from 'node:path';
import { scratchDirectory } from '@eve/adapter-process';
import type { ImageBuildPlan, RegistryLogin } from '@eve/operations';
import type { ResolvedPlan } from './plan.ts';

/** The files of one build; all of it goes when the build ends. */
export interface Scratch {
  readonly directory: string;
  readonly configDir: string;
  readonly secretsDir: string;
  readonly metadataFile: string;
}

/** Makes a build's files, readable by us only; disposing removes them with what the client left there. */
export async function openScratch(
  plan: Pick<ImageBuildPlan, 'logins' | 'secrets'>,
  workDir: string,
): Promise<Scratch & AsyncDisposable> {
  const directory = await scratchDirectory(workDir, 'build');
  const scratch = {
    directory,
    configDir: join(directory, 'docker'),
    secretsDir: join(directory, 'secrets'),
    metadataFile: join(directory, 'metadata.json'),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true, maxRetries: 3 }),
  };
  try {
    await mkdir(scratch.configDir, { mode: 0o700 });
    await mkdir(scratch.secretsDir, { mode: 0o700 });
    await writeFile(join(scratch.configDir, 'config.json'), dockerConfig(plan.logins), { mode: 0o600 });
    for (const [index, { value }] of plan.secrets.entries())
      await writeFile(secretFile(scratch, index), value, { mode: 0o600 });
    return scratch;
  } catch (error) {
    await scratch[Symbol.asyncDispose]();
    throw error;
  }
}

/** Writes the text that is used instead of the Dockerfile's own beside what that file says about ignoring. */
export async function withDockerfile(plan: ResolvedPlan, scratch: Pick<Scratch, 'directory'>): Promise<ResolvedPlan> {
  return plan.dockerfileText === null ? plan : copyDockerfile(plan, scratch);
}

/** Puts the Dockerfile, or the text that is used instead, into a directory of its own, with what the file says about ignoring. */
export async function copyDockerfile(
  plan: ResolvedPlan,
  { directory }: Pick<Scratch, 'directory'>,
): Promise<ResolvedPlan> {
  const place = join(directory, 'dockerfile');
  await mkdir(place, { mode: 0o700 });
  const dockerfilePath = join(place, basename(plan.dockerfile));
  if (plan.dockerfileText === null) await copyFile(plan.dockerfilePath, dockerfilePath);
  else await writeFile(dockerfilePath, plan.dockerfileText);
  const root = await realpath(plan.sourceDir);
  const ignored = await realpath(`${plan.dockerfilePath}.dockerignore`).catch(() => null);
  if (ignored?.startsWith(root + sep)) await copyFile(ignored, `${dockerfilePath}.dockerignore`);
  return { ...plan, dockerfilePath };
}

/** Where the value of a plan's nth secret lies. */
export function secretFile(scratch: Pick<Scratch, 'secretsDir'>, index: number): string {
  return join(scratch.secretsDir, String(index));
}

/** The `config.json` with which docker's clients find their logins. */
export function dockerConfig(logins: readonly RegistryLogin[]): string {
  const auths = logins.map(({ host, username, password }) => [
    host,
    { auth: Buffer.from(`${username}:${password}`).toString('base64') },
  ]);
  return JSON.stringify({ auths: Object.fromEntries(auths) });
}
