import type { Platform } from '../platform.ts';
import type { DeployTarget, Halting } from '../ports/deployer.ts';
import type { ClaimedWork } from '../ports/work-queue.ts';
import { removeInstances } from '../runtime-logs/remove-instances.ts';
import { restoreHosts } from './allocate-addresses.ts';
import { bringBack } from './bring-back.ts';
import { formerInstances } from './current-instances.ts';
import { currentContext } from './current-target.ts';
import type { DeployContext } from './deploy-context.ts';
import { writesVolume } from './deploy-target.ts';
import { evenly } from './record-endpoints.ts';
import { stopReleaseCommands } from './release-command.ts';
import { type Abandoned, rollBack } from './roll-back.ts';
import { routeIfPossible } from './routing.ts';
import { hasOtherTraffic, haveOtherNames } from './who-serves.ts';

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
  await stopReleaseCommands(platform, context);
  const { target, environment } = context;
  const served = await currentContext(platform, environment);
  const { exchange } = platform.deployer;
  const abandoned = { target, environment, before: served?.target ?? null, work };
  await restoreHosts(platform, abandoned);
  if (exchange.by === 'halting') return startAgain(platform, exchange, abandoned, signal);
  const isWhole = (served?.missingSecrets.length ?? 0) === 0;
  await rollBack(platform, exchange, { ...abandoned, isWhole }, signal);
}

async function startAgain(
  platform: Platform,
  exchange: Halting,
  { target, environment, before, work }: Abandoned,
  signal: AbortSignal,
): Promise<void> {
  const { store, deployer } = platform;
  const { tenantId, id } = environment;
  const observed = await deployer.observe(id);
  const mine = observed.filter(({ deployId }) => deployId === target.deployId);
  const former = before ? formerInstances(before, observed, target.deployId) : [];
  const endpoints = await store.endpoints.listOfEnvironment(tenantId, id);
  const trafficMoved = hasOtherTraffic(endpoints, former);
  const stopped = former.filter(({ state }) => state === 'exited');

  // One that writes to a volume comes back only when the new one is gone.
  const [later, now] = partition(stopped, ({ service }) => isWriter(before, service));
  if (before) {
    await bringBack(platform, exchange, before, now, signal);
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
  await routeIfPossible(platform, target, signal);
  await removeInstances(platform, environment, mine, signal);
  if (before && later.length > 0) {
    // Removing the new ones may have brought them back already.
    const there = formerInstances(before, await deployer.observe(id), target.deployId);
    const missing = there.filter(({ state, service }) => state === 'exited' && isWriter(before, service));
    await bringBack(platform, exchange, before, missing, signal);
  }
}

function isWriter(target: DeployTarget | null, name: string): boolean {
  return target?.services.some(({ service }) => service.name === name && writesVolume(service)) ?? false;
}

function partition<Item>(items: readonly Item[], isFirst: (item: Item) => boolean): readonly [Item[], Item[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}
