import {
  type Deploy,
  type Environment,
  environmentRules,
  type PipelineRun,
  PlatformError,
  type Release,
  type Revision,
  type Step,
} from '@eve/domain';
import { authorize, type Caller } from '../caller.ts';
import { createPipelineRun } from '../pipelines/start-pipeline-run.ts';
import type { Platform } from '../platform.ts';
import { freeze } from '../releases/create-release.ts';
import { refusalsOf, refuseAny } from './deploy-gates.ts';
import { environmentFor } from './environment-for.ts';
import { queueDeploy } from './queue-deploy.ts';
import { type RequestDeploy, type SettledRequest, settleRequest } from './settle-request.ts';

export type { RequestDeploy } from './settle-request.ts';

export type DeployAnswer = { readonly environment: Environment } & (
  | { readonly pipelineRun: PipelineRun; readonly steps: readonly Step[] }
  | { readonly deploy: Deploy; readonly revision: Revision; readonly release: Release }
);

type Needs = Pick<
  Platform,
  'store' | 'vault' | 'registryLogins' | 'registry' | 'settings' | 'now' | 'newId' | 'deployer' | 'log'
>;

/**
 * Deploys a commit or a release to an environment: through the environment's pipeline, or directly. The environment is made when
 * the manifest allows it. Throws what reading the request, the gates of the environment and building up the revision throw.
 */
export async function requestDeploy(platform: Needs, caller: Caller, request: RequestDeploy): Promise<DeployAnswer> {
  authorize(caller, 'deploy', request.projectId);
  const settled = await settleRequest(platform, caller, request);
  const { project, commit, way, strategy } = settled;
  const environment = await environmentFor(platform, caller, project, commit.manifest, request.envName);
  // Before anything is built for it; the gate itself asks again.
  refuseAny(await refusalsNow(platform, environment, settled));

  if (way.kind === 'pipeline') {
    const { pipeline, inputs } = way;
    const made = await createPipelineRun(platform, caller, { project, environment, pipeline, ...commit, inputs });
    return { environment, pipelineRun: made.run, steps: made.steps };
  }
  const release = way.kind === 'release' ? way.release : await releaseOf(platform, caller, settled, way.choice);
  const asked = { environment, release, cause: 'direct', actor: caller.actor, strategy } as const;
  return { environment, release, ...(await queueDeploy(platform, asked)) };
}

/** What stands against a request as far as that is known before anything is made for it. */
export async function refusalsNow(
  { store, settings, now }: Pick<Platform, 'store' | 'settings' | 'now'>,
  environment: Environment,
  { release, commit }: Pick<SettledRequest, 'release' | 'commit'>,
): Promise<readonly PlatformError[]> {
  const rules = environmentRules(environment, commit.manifest, settings);
  const [block = null] = release ? await store.releases.blocks(environment.tenantId, [release.id]) : [];
  const refusals = refusalsOf({ environment, rules, cause: 'direct', release, block, at: now() });
  const elsewhere = release?.local && !(await ranIn({ store }, environment, release));
  return elsewhere ? [...refusals, onlyHere(release)] : refusals;
}

async function ranIn({ store }: Pick<Platform, 'store'>, environment: Environment, { id }: Release): Promise<boolean> {
  const { items } = await store.revisions.list(environment.tenantId, environment.id, { limit: 100 });
  return items.some(({ releaseId }) => releaseId === id);
}

/** An image that only this machine's engine holds is not promoted: it serves where it was first deployed. */
function onlyHere({ id }: Release): PlatformError {
  return new PlatformError(
    'deploy_request_invalid',
    `Release ${id} was made of images that only the local engine holds: build and release the commit, then deploy that.`,
  );
}

function releaseOf(
  platform: Needs,
  caller: Caller,
  { project, commit }: SettledRequest,
  choice: Parameters<typeof freeze>[2]['choice'],
): Promise<Release> {
  const buildId = choice.kind === 'artifacts' ? (choice.artifacts[0]?.buildId ?? null) : null;
  const { manifest, manifestHash, gitSha } = commit;
  const content = { project, manifest, manifestHash, gitSha, buildId, choice };
  return freeze(platform, caller, content, { tag: null, version: null });
}
