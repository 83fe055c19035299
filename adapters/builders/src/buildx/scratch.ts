import { mkdir, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { scratchDirectory } from '@eve/adapter-process';
import { BuildFailed, buildFailure } from '@eve/domain';
import type { ImageBuildPlan, RegistryLogin } from '@eve/operations';
import { type ResolvedPlan, type Scratch, secretFile } from './arguments.ts';

/** Makes a build's files, readable by us only; disposing removes them with what buildx left there. */
export async function openScratch(
  plan: Pick<ImageBuildPlan, 'logins' | 'secrets'>,
  workDir: string,
): Promise<Scratch & AsyncDisposable> {
  const directory = await scratchDirectory(workDir, 'buildx');
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

/** The `config.json` with which docker's clients find their logins. */
export function dockerConfig(logins: readonly RegistryLogin[]): string {
  const auths = logins.map(({ host, username, password }) => [
    host,
    { auth: Buffer.from(`${username}:${password}`).toString('base64') },
  ]);
  return JSON.stringify({ auths: Object.fromEntries(auths) });
}

/** Follows links and refuses a context or Dockerfile that is outside the source. Throws BuildFailed. */
export async function resolvePlan(plan: ImageBuildPlan): Promise<ResolvedPlan> {
  const { service } = plan;
  const root = await realpath(plan.sourceDir);
  const contextPath = await inside(root, plan.context, 'build context', service);
  if (!(await stat(contextPath)).isDirectory())
    throw new BuildFailed(
      buildFailure('build_error', `The build context ${plan.context} is not a directory.`, { service }),
    );
  const dockerfilePath = await inside(root, plan.dockerfile, 'Dockerfile', service);
  if (!(await stat(dockerfilePath)).isFile())
    throw new BuildFailed(buildFailure('build_error', `The Dockerfile ${plan.dockerfile} is not a file.`, { service }));
  return { ...plan, contextPath, dockerfilePath };
}

async function inside(root: string, path: string, what: string, service: string): Promise<string> {
  const found = await realpath(join(root, path)).catch(() => null);
  if (found === null)
    throw new BuildFailed(
      buildFailure('build_error', `The ${what} ${path} does not exist in the repository.`, {
        service,
        hint: `Check build.${what === 'Dockerfile' ? 'dockerfile' : 'context'} in the manifest, and that the file is committed.`,
      }),
    );
  if (found !== root && !found.startsWith(root + sep))
    throw new BuildFailed(buildFailure('build_error', `The ${what} ${path} leads out of the repository.`, { service }));
  return found;
}
