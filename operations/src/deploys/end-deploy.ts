import { advanceDeploy, type Deploy, type DeployFailure, type RevisionId } from '@eve/domain';
import { advanceStepOf } from '../pipelines/advance-step-of.ts';
import type { Platform } from '../platform.ts';
import type { ClaimedWork } from '../ports/work-queue.ts';
import { retirement } from './succeed-deploy.ts';

/** How a deploy ended without success. */
export type Ending =
  | { readonly type: 'cancel' }
  | {
      readonly type: 'fail';
      readonly failure: DeployFailure;
      /** The revision that serves on although it failed. */
      readonly serves?: RevisionId;
      /** What it started could not be removed yet. */
      readonly leavesRest?: boolean;
    };

/** Writes a deploy's end without success and settles its work, in one transaction; what is left over is retired by later work. */
export async function endDeploy(
  { store, now }: Pick<Platform, 'store' | 'now'>,
  { id, tenantId }: Pick<Deploy, 'id' | 'tenantId'>,
  { lease }: ClaimedWork,
  ending: Ending,
): Promise<void> {
  await store.transaction(async (records) => {
    const deploy = await records.deploys.get(tenantId, id);
    const serves = ending.type === 'fail' ? ending.serves : undefined;
    const ended = advanceDeploy(deploy, ending, now());
    await records.deploys.update(ended, { was: deploy.status, event: ending.type, actor: 'system', lease });
    const environment = { id: ended.environmentId, tenantId, lastDeployId: ended.id };
    await records.environments.update(serves ? { ...environment, currentRevisionId: serves } : environment);
    const endpoints = await records.endpoints.listOfEnvironment(tenantId, ended.environmentId);
    const leavesRest = ending.type === 'fail' && ending.leavesRest;
    if (serves || leavesRest || endpoints.some(({ state }) => state === 'draining'))
      await records.queue.add(retirement({ ...ended, id: ended.environmentId }));
    await advanceStepOf(records, ended);
    await records.queue.settle(lease);
  });
}
