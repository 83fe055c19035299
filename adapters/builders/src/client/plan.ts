import { readFile, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { BuildFailed, buildFailure } from '@eve/domain';
import type { ImageBuildPlan } from '@eve/operations';

/** A plan whose paths are resolved and known to lie inside the source. */
export interface ResolvedPlan extends ImageBuildPlan {
  readonly contextPath: string;
  /** Where the Dockerfile lies, or would lie when its text is given. */
  readonly dockerfilePath: string;
  /** Whether the Dockerfile declares SOURCE_DATE_EPOCH as an argument of its own. */
  readonly declaresEpoch: boolean;
}

const epochArgument = /^[ \t]*ARG[ \t][^\n]*\bSOURCE_DATE_EPOCH\b/im;

/** Follows links and refuses a context or Dockerfile that is outside the source. Throws BuildFailed. */
export async function resolvePlan(plan: ImageBuildPlan): Promise<ResolvedPlan> {
  const { service } = plan;
  const root = await realpath(plan.sourceDir);
  const contextPath = await inside(root, plan.context, 'build context', service);
  if (!(await stat(contextPath)).isDirectory())
    throw refusal(`The build context ${plan.context} is not a directory.`, service);
  if (plan.dockerfileText !== null) {
    const declaresEpoch = epochArgument.test(plan.dockerfileText);
    return { ...plan, contextPath, dockerfilePath: join(root, plan.dockerfile), declaresEpoch };
  }
  const dockerfilePath = await inside(root, plan.dockerfile, 'Dockerfile', service);
  if (!(await stat(dockerfilePath)).isFile())
    throw refusal(`The Dockerfile ${plan.dockerfile} is not a file.`, service);
  const declaresEpoch = epochArgument.test(await readFile(dockerfilePath, 'utf8'));
  return { ...plan, contextPath, dockerfilePath, declaresEpoch };
}

async function inside(root: string, path: string, what: string, service: string): Promise<string> {
  const found = await realpath(join(root, path)).catch(() => null);
  if (found === null) {
    const field = what === 'Dockerfile' ? 'dockerfile' : 'context';
    const hint = `Check build.${field} in the manifest, and that the file is committed.`;
    throw refusal(`The ${what} ${path} does not exist in the repository.`, service, hint);
  }
  if (found !== root && !found.startsWith(root + sep))
    throw refusal(`The ${what} ${path} leads out of the repository.`, service);
  return found;
}

function refusal(message: string, service: string, hint?: string): BuildFailed {
  return new BuildFailed(
    buildFailure('build_error', message, { phase: 'plan', service, ...(hint !== undefined && { hint }) }),
  );
}
