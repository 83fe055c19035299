import type { Environment, EnvironmentId } from '@eve/domain';
import type { Platform } from '../platform.ts';
import type { ClaimedWork } from '../ports/work-queue.ts';
import { pause } from '../work/pause.ts';
import { currentInstances } from './current-instances.ts';
import { currentTarget } from './current-target.ts';
import { applyRouting } from './routing.ts';

const pollMs = 100;
const lookMs = 200;

/**
 * Removes what no longer serves an environment once its requests have ended, or the drain time has. Runs only after the deploy
 * that replaced it is durably healthy, and never beside a deploy of the same environment: it gives way to one that waits, so that
 * a rollback need not wait for old streams to end, and goes on after it.
 */
export async function retireInstances(platform: Platform, work: ClaimedWork, signal: AbortSignal): Promise<void> {
  const { store } = platform;
  const environment = await store.environments.get(work.tenantId, work.id as EnvironmentId);
  platform.failpoint('before-retire');
  const asked = new AbortController();
  const look = setInterval(async () => {
    const waiting = await store.deploys.pending(environment.tenantId, environment.id).catch(() => []);
    if (waiting.length > 0) asked.abort();
  }, lookMs);
  try {
    await retire(platform, environment, signal, AbortSignal.any([signal, asked.signal]));
  } catch (error) {
    if (signal.aborted || !asked.signal.aborted) throw error;
    return store.queue.requeue(work.lease, lookMs, 'lock');
  } finally {
    clearInterval(look);
  }
  await store.queue.settle(work.lease);
}

async function retire(
  platform: Platform,
  environment: Environment,
  signal: AbortSignal,
  unlessAsked: AbortSignal,
): Promise<void> {
  const { store, deployer, router, settings } = platform;
  const endpoints = await store.endpoints.listOfEnvironment(environment.tenantId, environment.id);
  const serving = new Set(endpoints.filter(({ state }) => state === 'serving').map(({ instance }) => instance));
  const kept = await currentNames(platform, environment);
  const old = (await deployer.observe(environment.id)).filter(({ name }) => !serving.has(name) && !kept.has(name));

  const until = platform.now().getTime() + settings.drainMs;
  for (const { name } of old) {
    while ((await router.active(name)) > 0 && platform.now().getTime() < until) {
      unlessAsked.throwIfAborted();
      await pause(pollMs, unlessAsked);
    }
  }
  unlessAsked.throwIfAborted();
  const gone = endpoints.filter(({ state }) => state !== 'serving').map(({ instance }) => instance);
  await store.endpoints.removeInstances(environment.tenantId, environment.id, gone);
  await applyRouting(platform, signal);
  await deployer.remove(old, unlessAsked);
}

/** Instances of the current revision that have no port and so no endpoint: workers and databases of the inside. */
async function currentNames(platform: Platform, environment: Environment): Promise<Set<string>> {
  const target = await currentTarget(platform, environment);
  if (!target) return new Set();
  const instances = await platform.deployer.observe(environment.id);
  return new Set(currentInstances(target.services, instances).map(({ name }) => name));
}
