import type { Platform } from '../platform.ts';
import type { DeployTarget, Instance } from '../ports/deployer.ts';
import type { Endpoint } from '../ports/stored.ts';
import type { ClaimedWork } from '../ports/work-queue.ts';
import { removeInstances } from '../runtime-logs/remove-instances.ts';
import { bringBack } from './bring-back.ts';
import { formerInstances } from './current-instances.ts';
import { currentTarget } from './current-target.ts';
import type { DeployContext } from './deploy-context.ts';
import { writesVolume } from './deploy-target.ts';
import { evenly, evenWeight } from './record-endpoints.ts';
import { stopReleaseCommands } from './release-command.ts';
import { applyRouting } from './routing.ts';

/**
 * Removes what a deploy started and lets what served before serve again, from wherever the deploy had come to: names and traffic
 * stay, or go back, and what was stopped for it is started. May be repeated.
 */
export async function abandonDeploy(
  platform: Platform,
  context: Pick<DeployContext, 'deploy' | 'target' | 'environment'>,
  work: ClaimedWork,
  signal: AbortSignal,
): Promise<void> {
  const { store, deployer } = platform;
  const { target, environment } = context;
  await stopReleaseCommands(platform, context);
  const { tenantId, id } = environment;
  const observed = await deployer.observe(id);
  const mine = observed.filter(({ deployId }) => deployId === target.deployId);
  const before = await currentTarget(platform, environment);
  const former = before ? formerInstances(before, observed, target.deployId) : [];
  const endpoints = await store.endpoints.listOfEnvironment(tenantId, id);
  const trafficMoved = hasOtherTraffic(endpoints, former);
  const stopped = former.filter(({ state }) => state === 'exited');

  // One that writes to a volume comes back only when the new one is gone.
  const [later, now] = partition(stopped, ({ service }) => isWriter(before, service));
  if (before) {
    await bringBack(platform, before, now, signal);
    if (trafficMoved || stopped.length > 0 || haveOtherNames(observed, former)) {
      const names = former.map(({ name }) => name);
      await deployer.serve(before, names, work.lease, signal);
      await store.endpoints.switchTo(tenantId, id, evenly(names), work.lease);
    }
  } else if (trafficMoved) await store.endpoints.switchTo(tenantId, id, {}, work.lease);
  await store.endpoints.removeInstances(
    tenantId,
    id,
    mine.map(({ name }) => name),
    work.lease,
  );
  // The routes follow as soon as the router is well again; what was started must not stay for want of it.
  await applyRouting(platform, signal).catch((error: unknown) => {
    if (signal.aborted) throw error;
    platform.log.error({ deployId: target.deployId, error }, 'the router could not be brought to the recorded routes');
  });
  await removeInstances(platform, environment, mine, signal);
  if (before && later.length > 0) {
    // Removing the new ones may have brought them back already.
    const there = formerInstances(before, await deployer.observe(id), target.deployId);
    const missing = there.filter(({ state, service }) => state === 'exited' && isWriter(before, service));
    await bringBack(platform, before, missing, signal);
  }
}

/** Whether anything else than these serves from outside, or these do not get all of it. */
function hasOtherTraffic(endpoints: readonly Endpoint[], former: readonly Instance[]): boolean {
  const isFormer = new Set(former.map(({ name }) => name));
  return endpoints.some(({ instance, state, weight }) =>
    isFormer.has(instance) ? state !== 'serving' || weight !== evenWeight : state === 'serving',
  );
}

function haveOtherNames(observed: readonly Instance[], former: readonly Instance[]): boolean {
  const isFormer = new Set(former.map(({ name }) => name));
  return observed.some(({ name, named }) => named !== isFormer.has(name));
}

function isWriter(target: DeployTarget | null, name: string): boolean {
  return target?.services.some(({ service }) => service.name === name && writesVolume(service)) ?? false;
}

function partition<Item>(items: readonly Item[], isFirst: (item: Item) => boolean): readonly [Item[], Item[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}
