import type { Platform } from '../platform.ts';
import type { ClaimedWork } from '../ports/work-queue.ts';
import { currentInstances } from './current-instances.ts';
import { currentTarget } from './current-target.ts';
import type { DeployContext } from './deploy-context.ts';
import { applyRouting } from './routing.ts';

/** Removes what a deploy started; traffic and names stay, or go back, where they were. */
export async function abandonDeploy(
  platform: Platform,
  { target, environment }: Pick<DeployContext, 'target' | 'environment'>,
  { lease }: ClaimedWork,
  signal: AbortSignal,
): Promise<void> {
  const { store, deployer } = platform;
  const { tenantId, id } = environment;
  const instances = await deployer.observe(id);
  const mine = instances.filter(({ deployId }) => deployId === target.deployId);
  const names = mine.map(({ name }) => name);
  const endpoints = await store.endpoints.listOfEnvironment(tenantId, id);
  const switched = endpoints.some(({ instance, state }) => names.includes(instance) && state === 'serving');

  const before = await currentTarget(platform, environment);
  const others = instances.filter(({ name }) => !names.includes(name));
  const serving = before ? currentInstances(before.services, others).map(({ name }) => name) : [];
  // The names may have moved before the traffic did.
  if (before && (switched || mine.some(({ named }) => named))) await deployer.serve(before, lease, signal);
  if (switched) await store.endpoints.switchTo(tenantId, id, serving, lease);
  await store.endpoints.removeInstances(tenantId, id, names);
  // The routes follow as soon as the router is well again; what was started must not stay for want of it.
  await applyRouting(platform, signal).catch((error: unknown) => {
    if (signal.aborted) throw error;
    platform.log.error({ deployId: target.deployId, error }, 'the router could not be brought to the recorded routes');
  });
  await deployer.remove(mine, signal);
}
