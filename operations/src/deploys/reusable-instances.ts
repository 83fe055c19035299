import type { Environment } from '@eve/domain';
import type { Platform } from '../platform.ts';

/**
 * Instances that served once and that nobody has begun to remove: who removes one deletes its endpoints first. A deploy that wants
 * the same takes them up again, so that going back to what is kept warm is only a switch.
 */
export async function reusableInstances(
  { store }: Pick<Platform, 'store'>,
  { tenantId, id }: Pick<Environment, 'tenantId' | 'id'>,
): Promise<readonly string[]> {
  const endpoints = await store.endpoints.listOfEnvironment(tenantId, id);
  const resting = endpoints.filter(({ state }) => state === 'warm' || state === 'draining');
  return [...new Set(resting.map(({ instance }) => instance))];
}
