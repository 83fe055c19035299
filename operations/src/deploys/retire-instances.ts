import type { Environment, EnvironmentId } from '@eve/domain';
import type { Platform } from '../platform.ts';
import type { ClaimedWork } from '../ports/work-queue.ts';
import { currentInstances } from './current-instances.ts';
import { currentTarget } from './current-target.ts';
import { applyRouting } from './routing.ts';

const pollMs = 100;

/**
 * Removes what no longer serves an environment once its requests have ended, or the drain time has. Runs only after the deploy
 * that replaced it is durably healthy, and never beside a deploy of the same environment.
 */
export async function retireInstances(platform: Platform, work: ClaimedWork, signal: AbortSignal): Promise<void> {
  const { store, deployer, router, settings } = platform;
  const environment = await store.environments.get(work.tenantId, work.id as EnvironmentId);
  platform.failpoint('before-retire');
  const endpoints = await store.endpoints.listOfEnvironment(environment.tenantId, environment.id);
  const serving = new Set(endpoints.filter(({ state }) => state === 'serving').map(({ instance }) => instance));
  const kept = await currentNames(platform, environment);
  const old = (await deployer.observe(environment.id)).filter(({ name }) => !serving.has(name) && !kept.has(name));

  const until = platform.now().getTime() + settings.drainMs;
  for (const { name } of old) {
    while ((await router.active(name)) > 0 && platform.now().getTime() < until) {
      signal.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }
  const gone = endpoints.filter(({ state }) => state !== 'serving').map(({ instance }) => instance);
  await store.endpoints.removeInstances(environment.tenantId, environment.id, gone);
  await applyRouting(platform, signal);
  await deployer.remove(old, signal);
  await store.queue.settle(work.lease);
}

/** Instances of the current revision that have no port and so no endpoint: workers and databases of the inside. */
async function currentNames(platform: Platform, environment: Environment): Promise<Set<string>> {
  const target = await currentTarget(platform, environment);
  if (!target) return new Set();
  const instances = await platform.deployer.observe(environment.id);
  return new Set(currentInstances(target.services, instances).map(({ name }) => name));
}
