import { advanceDeploy, type Deploy, type DeployId, isDeployFinished, PlatformError } from '@eve/domain';
import { authorize, type Caller } from '../caller.ts';
import { advanceStepOf } from '../pipelines/advance-step-of.ts';
import type { Platform } from '../platform.ts';
import { deployWork } from './queue-deploy.ts';
import { getDeploy } from './read-deploys.ts';

/** Asks a deploy to end: a waiting one is cancelled at once, a running one when what it started is gone. Throws `deploy_finished`. */
export async function cancelDeploy(
  platform: Pick<Platform, 'store' | 'now'>,
  caller: Caller,
  deployId: DeployId,
  reason?: string,
): Promise<Deploy> {
  const { store, now } = platform;
  const found = await getDeploy(platform, caller, deployId);
  authorize(caller, 'deploy', found.projectId);
  if (isDeployFinished(found)) throw ended(found);
  return store.transaction(async (records) => {
    const asked = await records.deploys.requestCancel(caller.tenantId, deployId, caller.actor, now(), reason);
    if (isDeployFinished(asked)) throw ended(asked);
    const outcome = await records.queue.cancel('execute-deploy', deployId);
    if (outcome === 'signalled') return asked;
    if (asked.status === 'deploying') {
      // It waited for its next attempt, or for somebody: only a worker can remove what it started.
      await records.queue.add(deployWork(asked));
      return asked;
    }
    const cancelled = advanceDeploy(asked, { type: 'cancel' }, now());
    await records.deploys.update(cancelled, { was: asked.status, event: 'cancel', actor: caller.actor, lease: null });
    await advanceStepOf(records, cancelled);
    return cancelled;
  });
}

/** The answer to whoever would change a deploy that has ended. */
export function ended({ id, status }: Pick<Deploy, 'id' | 'status'>): PlatformError {
  return new PlatformError('deploy_finished', `Deploy ${id} has already ended: it is ${status}.`);
}
