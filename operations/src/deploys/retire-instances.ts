import { type Environment, type EnvironmentId, PlatformError } from '@eve/domain';
import type { Platform } from '../platform.ts';
import type { DeployTarget, Instance } from '../ports/deployer.ts';
import type { Endpoint } from '../ports/stored.ts';
import type { ClaimedWork } from '../ports/work-queue.ts';
import { removeInstances } from '../runtime-logs/remove-instances.ts';
import { currentInstances } from './current-instances.ts';
import { currentTarget } from './current-target.ts';
import { loadDeployContext } from './deploy-context.ts';
import { applyRouting } from './routing.ts';
import { anotherWaits } from './stabilise.ts';
import { untilDrained } from './until-drained.ts';

const lookMs = 200;
const lockedMs = 2_000;

/**
 * Removes what no longer serves an environment once its requests have ended, or the drain time has, and nobody wants it kept warm.
 * Runs only after the deploy that replaced it is durably healthy, and never beside a deploy of the same environment: it gives way to
 * one that waits, so that a rollback need not wait for old streams to end, and goes on after it. Comes back for what is kept warm.
 */
export async function retireInstances(platform: Platform, work: ClaimedWork, signal: AbortSignal): Promise<void> {
  const { store, now } = platform;
  const environment = await environmentOf(platform, work);
  // Whoever deleted it has removed all that ran there.
  if (!environment) return store.queue.settle(work.lease);
  const { tenantId, id } = environment;
  platform.failpoint('before-retire');
  // One that waits for a person, or for its next attempt, does not run and still has the environment.
  if (await store.deploys.active(tenantId, id)) return store.queue.requeue(work.lease, lockedMs, 'lock');
  const asked = new AbortController();
  const look = setInterval(async () => {
    if (await anotherWaits(platform, environment).catch(() => false)) asked.abort();
  }, lookMs);
  let warmUntil: Date | null;
  try {
    warmUntil = await retire(platform, environment, work, signal, AbortSignal.any([signal, asked.signal]));
  } catch (error) {
    if (signal.aborted || !asked.signal.aborted) throw error;
    return store.queue.requeue(work.lease, lookMs, 'lock');
  } finally {
    clearInterval(look);
  }
  if (!warmUntil) return store.queue.settle(work.lease);
  await store.queue.requeue(work.lease, Math.max(1, warmUntil.getTime() - now().getTime()), 'warm');
}

async function environmentOf({ store }: Platform, { tenantId, id }: ClaimedWork): Promise<Environment | null> {
  try {
    return await store.environments.get(tenantId, id as EnvironmentId);
  } catch (error) {
    if (error instanceof PlatformError && error.code === 'environment_not_found') return null;
    throw error;
  }
}

/** Answers when what is kept warm may go next. */
async function retire(
  platform: Platform,
  environment: Environment,
  { lease }: ClaimedWork,
  signal: AbortSignal,
  unlessAsked: AbortSignal,
): Promise<Date | null> {
  const { store, deployer } = platform;
  const { tenantId, id } = environment;
  const endpoints = await store.endpoints.listOfEnvironment(tenantId, id);
  const observed = await deployer.observe(id);
  const warm = await keptWarm(platform, environment, endpoints, observed);
  const kept = new Set([
    ...endpoints.filter(({ state }) => state === 'serving').map(({ instance }) => instance),
    ...warm.map(({ instance }) => instance),
    ...(await currentNames(platform, environment, observed)),
  ]);
  const old = observed.filter(({ name }) => !kept.has(name));
  await untilDrained(platform, old, unlessAsked);
  const gone = endpoints.filter(({ instance }) => !kept.has(instance)).map(({ instance }) => instance);
  await store.endpoints.removeInstances(tenantId, id, gone, lease);
  await applyRouting(platform, signal, id);
  platform.failpoint('in-retire');
  await removeInstances(platform, environment, old, unlessAsked);
  const times = warm.flatMap(({ warmUntil }) => warmUntil ?? []).sort((a, b) => a.getTime() - b.getTime());
  return times[0] ?? null;
}

/** What is kept for a rollback whose time is not over: of the revision that served before this one alone. */
async function keptWarm(
  platform: Platform,
  { tenantId, id, currentRevisionId }: Environment,
  endpoints: readonly Endpoint[],
  observed: readonly Instance[],
): Promise<Endpoint[]> {
  const now = platform.now();
  const warm = endpoints.filter(({ state, warmUntil }) => state === 'warm' && warmUntil !== null && warmUntil > now);
  if (warm.length === 0) return [];
  const deploy = await platform.store.deploys.previousHealthy(tenantId, id, currentRevisionId);
  if (!deploy) return [];
  const { target } = await loadDeployContext(platform, deploy);
  const hashes = new Map(observed.map(({ name, hash }) => [name, hash]));
  return warm.filter(({ instance, service }) => isWanted(target, service, hashes.get(instance)));
}

function isWanted({ services }: DeployTarget, name: string, hash: string | undefined): boolean {
  return services.some((wanted) => wanted.service.name === name && wanted.hash === hash);
}

/** Also those that serve without a port, and so without an endpoint: workers and databases of the inside. */
async function currentNames(
  platform: Platform,
  environment: Environment,
  observed: readonly Instance[],
): Promise<string[]> {
  const target = await currentTarget(platform, environment);
  if (!target) return [];
  const serving = observed.filter(({ named, state }) => named && state !== 'exited');
  return [...serving, ...currentInstances(target, observed)].map(({ name }) => name);
}
