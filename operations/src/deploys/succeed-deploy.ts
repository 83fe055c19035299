import { advanceDeploy, type Environment } from '@eve/domain';
import { advanceStepOf } from '../pipelines/advance-step-of.ts';
import type { Platform } from '../platform.ts';
import type { WorkItem } from '../ports/work-queue.ts';
import { formerInstances } from './current-instances.ts';
import { writesVolume } from './deploy-target.ts';
import type { Execution } from './execution.ts';

/**
 * Writes that a deploy is healthy and its revision the environment's current one, in one transaction with the work that retires what
 * it replaced. False when somebody has cancelled it meanwhile: then nothing is written.
 */
export async function succeedDeploy(
  { store, deployer, now, failpoint }: Platform,
  { context, before, work: { lease } }: Execution,
): Promise<boolean> {
  const { environment, revision, target } = context;
  const { id, tenantId } = environment;
  const observed = await deployer.observe(id);
  const former = before ? formerInstances(before, observed, target.deployId) : [];
  const services = new Map(before?.services.map(({ service }) => [service.name, service]));
  const canRest = former.filter((each) => {
    const service = services.get(each.service);
    return service !== undefined && each.state === 'running' && !each.named && !writesVolume(service);
  });
  failpoint('before-healthy');
  return store.transaction(async (records) => {
    const deploy = await records.deploys.getForChange(context.deploy.tenantId, context.deploy.id);
    if (deploy.cancelRequestedAt) return false;
    const healthy = advanceDeploy(deploy, { type: 'succeed' }, now());
    await records.deploys.update(healthy, { was: deploy.status, event: 'succeed', actor: 'system', lease });
    await records.environments.update({ id, tenantId, currentRevisionId: revision.id, lastDeployId: healthy.id });
    const keepWarmMs = deploy.strategy.kind === 'rolling' ? 0 : deploy.strategy.keepWarmMs;
    if (keepWarmMs > 0 && canRest.length > 0) {
      const names = canRest.map(({ name }) => name);
      await records.endpoints.keepWarm(tenantId, id, names, new Date(now().getTime() + keepWarmMs), lease);
    }
    await advanceStepOf(records, healthy);
    await records.queue.add(retirement(environment));
    await records.queue.settle(lease);
    return true;
  });
}

/** The work that removes what no longer serves an environment. */
export function retirement({ id, tenantId, projectId }: Pick<Environment, 'id' | 'tenantId' | 'projectId'>): WorkItem {
  return { kind: 'retire-instances', id, tenantId, projectId, class: 'control', version: 1, exclusiveKey: id };
}
