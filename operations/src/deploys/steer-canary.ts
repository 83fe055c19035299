import { type CanaryRequest, type Deploy, type DeployId, isDeployFinished, PlatformError } from '@eve/domain';
import { authorize, type Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import { ended } from './cancel-deploy.ts';
import { refusalsOf, refuseAny } from './deploy-gates.ts';
import { deployWork } from './queue-deploy.ts';
import { describeDeploy } from './read-deploys.ts';

type Needs = Pick<Platform, 'store' | 'now'>;

/**
 * Gives a canary, or a rolling deploy that paused, its next step; or all of the traffic with `full`.
 * Throws `deploy_finished`, `deploy_not_waiting`, and what stands against deploying in its environment now.
 */
export async function promoteDeploy(
  platform: Needs,
  caller: Caller,
  deployId: DeployId,
  { full = false }: { full?: boolean } = {},
): Promise<Deploy> {
  const { store, now } = platform;
  const { deploy, environment, release } = await describeDeploy(platform, caller, deployId);
  authorize(caller, 'deploy', deploy.projectId);
  refuseUnlessSteered(deploy);
  const [block = null] = await store.releases.blocks(caller.tenantId, [release.id]);
  const gated = { environment, rules: { protected: false }, cause: deploy.cause, release, block, at: now() };
  refuseAny(refusalsOf(gated));
  return ask(platform, deploy, full ? 'promote_all' : 'promote');
}

/** Keeps a canary at the step where it is, until it is promoted or cancelled. Throws `deploy_finished`, `deploy_not_waiting`. */
export async function pauseDeploy(platform: Needs, caller: Caller, deployId: DeployId): Promise<Deploy> {
  const { deploy } = await describeDeploy(platform, caller, deployId);
  authorize(caller, 'deploy', deploy.projectId);
  refuseUnlessSteered(deploy);
  return deploy.phase === 'paused' ? deploy : ask(platform, deploy, 'pause');
}

function refuseUnlessSteered(deploy: Deploy): void {
  if (isDeployFinished(deploy)) throw ended(deploy);
  if (deploy.cancelRequestedAt)
    throw new PlatformError('deploy_not_waiting', `Deploy ${deploy.id} is being cancelled.`);
  if (deploy.phase === 'canary' || deploy.phase === 'paused') return;
  const where = deploy.phase ? `${deploy.status}, ${deploy.phase}` : deploy.status;
  throw new PlatformError(
    'deploy_not_waiting',
    `Deploy ${deploy.id} is at no step that could be promoted or paused: it is ${where}.`,
  );
}

async function ask({ store }: Needs, deploy: Deploy, request: CanaryRequest): Promise<Deploy> {
  return store.transaction(async (records) => {
    await records.deploys.setCanaryRequest(deploy.tenantId, deploy.id, request);
    // It looks at once, where it waited for its next look.
    await records.queue.add(deployWork(deploy));
    return { ...deploy, canaryRequest: request };
  });
}
