import { type Deploy, type DeployId, environmentRules, isDeployFinished, PlatformError } from '@eve/domain';
import { authorize, type Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import { cancelDeploy, ended } from './cancel-deploy.ts';
import { refusalsOf, refuseAny } from './deploy-gates.ts';
import { deployWork } from './queue-deploy.ts';
import { describeDeploy } from './read-deploys.ts';

/**
 * Lets a deploy begin that waits for an approval. In a protected environment nobody approves what they asked for themselves.
 * Throws `deploy_not_waiting`, `deploy_finished`, `approval_forbidden`, and what the gate of its environment throws now.
 */
export async function approveDeploy(
  platform: Pick<Platform, 'store' | 'now' | 'settings'>,
  caller: Caller,
  deployId: DeployId,
): Promise<Deploy> {
  const { store, now, settings } = platform;
  const { deploy, environment, release } = await describeDeploy(platform, caller, deployId);
  authorize(caller, 'deploy', deploy.projectId);
  refuseUnlessWaiting(deploy);
  const rules = environmentRules(environment, null, settings);
  if (rules.protected && deploy.createdBy === caller.actor) {
    throw new PlatformError(
      'approval_forbidden',
      `Environment ${environment.name} is protected: somebody other than ${caller.actor}, who asked for this deploy, must approve it.`,
    );
  }
  const [block = null] = await store.releases.blocks(caller.tenantId, [release.id]);
  refuseAny(refusalsOf({ environment, rules, cause: deploy.cause, release, block, at: now() }));
  return store.transaction(async (records) => {
    const approved = await approvedNow();
    await records.queue.add(deployWork(approved));
    return approved;

    async function approvedNow(): Promise<Deploy> {
      try {
        return await records.deploys.approve(caller.tenantId, deployId, caller.actor, now());
      } catch (error) {
        if (!(error instanceof PlatformError && error.code === 'record_changed')) throw error;
        refuseUnlessWaiting(await records.deploys.get(caller.tenantId, deployId));
        throw error;
      }
    }
  });
}

/** Ends a deploy that waits for an approval. Throws `deploy_not_waiting`, `deploy_finished`. */
export async function rejectDeploy(
  platform: Pick<Platform, 'store' | 'now'>,
  caller: Caller,
  deployId: DeployId,
  reason?: string,
): Promise<Deploy> {
  const { deploy } = await describeDeploy(platform, caller, deployId);
  authorize(caller, 'deploy', deploy.projectId);
  refuseUnlessWaiting(deploy);
  return cancelDeploy(platform, caller, deployId, `Rejected by ${caller.actor}${reason ? `: ${reason}` : '.'}`);
}

function refuseUnlessWaiting(deploy: Deploy): void {
  if (isDeployFinished(deploy)) throw ended(deploy);
  if (deploy.status === 'awaiting_approval' && deploy.approvedAt === null) return;
  const why = deploy.approvedBy ? `it was approved by ${deploy.approvedBy}` : `it is ${deploy.status}`;
  throw new PlatformError('deploy_not_waiting', `Deploy ${deploy.id} does not wait for an approval: ${why}.`);
}
