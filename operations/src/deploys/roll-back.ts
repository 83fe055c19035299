import { DeployFailed } from '@eve/domain';
import type { Platform } from '../platform.ts';
import type { DeployTarget, Instance, Rolling } from '../ports/deployer.ts';
import type { ClaimedWork } from '../ports/work-queue.ts';
import { removeInstances } from '../runtime-logs/remove-instances.ts';
import { currentInstances, formerInstances } from './current-instances.ts';
import type { DeployContext } from './deploy-context.ts';
import { evenly, recordMissing } from './record-endpoints.ts';
import { rollTo } from './roll-to.ts';
import { routeIfPossible } from './routing.ts';
import { hasOtherTraffic, haveOtherNames } from './who-serves.ts';

/** What is given up, and what served when it began. */
export interface Abandoned extends Pick<DeployContext, 'target' | 'environment'> {
  readonly before: DeployTarget | null;
  readonly work: ClaimedWork;
}

interface RolledBack extends Abandoned {
  /** Whether all is known of what served: a secret may have been deleted since. */
  readonly isWhole: boolean;
}

/** Has the runtime bring back what served before a deploy, gives it names and traffic, and removes what the deploy started and that is still there. */
export async function rollBack(
  platform: Platform,
  exchange: Rolling,
  { target, environment, before, work, isWhole }: RolledBack,
  signal: AbortSignal,
): Promise<void> {
  const { store, deployer } = platform;
  const { tenantId, id } = environment;
  if (before) await serveWhatRuns(platform, { target, environment, before, work }, signal);
  const isBack =
    before && (await bringBack(platform, exchange, { target, environment, before, work, isWhole }, signal));
  const observed = await deployer.observe(id);
  const endpoints = await store.endpoints.listOfEnvironment(tenantId, id);
  // What is not well again stays with what stands in for it, until the runtime has seen to that.
  const serving = before ? (isBack ? served(before, observed, target.deployId) : namesNow(observed)) : [];
  const names = serving.map(({ name }) => name);
  if (before && (hasOtherTraffic(endpoints, serving) || haveOtherNames(observed, serving))) {
    if (isBack) await deployer.serve(before, names, work.lease, signal);
    await recordMissing(platform, { environment }, work, serving);
    await store.endpoints.switchTo(tenantId, id, evenly(names), work.lease);
  } else if (!before && hasOtherTraffic(endpoints, [])) await store.endpoints.switchTo(tenantId, id, {}, work.lease);

  const kept = new Set(names);
  const there = new Set(observed.map(({ name }) => name));
  const gone = endpoints.filter(
    ({ instance, deployId }) => !kept.has(instance) && (deployId === target.deployId || !there.has(instance)),
  );
  await store.endpoints.removeInstances(
    tenantId,
    id,
    gone.map(({ instance }) => instance),
    work.lease,
  );
  await routeIfPossible(platform, target, signal);
  const mine = observed.filter(({ name, deployId }) => deployId === target.deployId && !kept.has(name));
  await removeInstances(platform, environment, mine, signal);
}

/** At once, and before anything is rolled: what still runs beside what took its place is not rolled out anew there. */
async function serveWhatRuns(
  { store, deployer }: Platform,
  { target, environment, before, work }: Abandoned & { readonly before: DeployTarget },
  signal: AbortSignal,
): Promise<void> {
  const observed = await deployer.observe(environment.id);
  const running = observed.filter(({ state }) => state === 'running');
  const serving = before.services.flatMap((wanted) => {
    const { name, replicas } = wanted.service;
    const former = formerInstances({ ...before, services: [wanted] }, running, target.deployId);
    return former.length >= replicas ? former : running.filter((each) => each.service === name && each.named);
  });
  if (serving.length === 0 || !haveOtherNames(running, serving)) return;
  const names = serving.map(({ name }) => name);
  await deployer.serve(before, names, work.lease, signal);
  await store.endpoints.switchTo(environment.tenantId, environment.id, evenly(names), work.lease);
}

/** False when it did not become well again: whatever it is now, nothing else can take its place. */
async function bringBack(
  platform: Platform,
  exchange: Rolling,
  { target, environment, before, work, isWhole }: RolledBack & { readonly before: DeployTarget },
  signal: AbortSignal,
): Promise<boolean> {
  const observed = await platform.deployer.observe(environment.id);
  const services = isWhole ? before.services : restorable(before, observed, target.deployId);
  try {
    for await (const _ of rollTo(platform, { environment, work, signal }, { ...before, services }, exchange, signal));
    return true;
  } catch (error) {
    if (!(error instanceof DeployFailed)) throw error;
    const about = { deployId: target.deployId, code: error.failure.code, error: error.message };
    platform.log.error(about, 'what served before a deploy did not become healthy again');
    return false;
  }
}

/** Where a secret is gone that it was made with, what still runs of a service is left as it is: it cannot be made once more. */
function restorable({ services }: DeployTarget, observed: readonly Instance[], deployId: string) {
  return services.filter(({ service, hash }) => {
    const mine = observed.filter((each) => each.service === service.name && each.state === 'running');
    return mine.some((each) => each.hash === hash) || mine.every((each) => each.deployId === deployId);
  });
}

function served(before: DeployTarget, observed: readonly Instance[], deployId: string): Instance[] {
  const current = currentInstances(before, observed);
  const found = new Set(current.map(({ service }) => service));
  const former = formerInstances(before, observed, deployId).filter(({ state }) => state === 'running');
  return [...current, ...former.filter(({ service }) => !found.has(service))];
}

function namesNow(observed: readonly Instance[]): Instance[] {
  return observed.filter(({ named, state }) => named && state === 'running');
}
