import { isDeployFinished, PlatformError, type ProjectId } from '@eve/domain';
import { authorize, type Caller } from '../caller.ts';
import { getEnvironment } from '../environments/get-environment.ts';
import type { Platform } from '../platform.ts';
import { applyRouting } from './routing.ts';

/** Stops and removes all that runs in an environment and its records; named volumes only when asked. Throws while a deploy is under way. */
export async function deleteEnvironment(
  platform: Platform,
  caller: Caller,
  { projectId, envName, volumes }: { projectId: ProjectId; envName: string; volumes: boolean },
  signal: AbortSignal,
): Promise<void> {
  authorize(caller, 'deploy', projectId);
  const { store, deployer } = platform;
  const environment = await getEnvironment(platform, caller, projectId, envName);
  const { items } = await store.deploys.list(environment.tenantId, environment.id, { limit: 20 });
  const busy = items.find((deploy) => !isDeployFinished(deploy));
  if (busy)
    throw new PlatformError(
      'state_transition_invalid',
      `Deploy ${busy.id} of ${envName} is under way: wait for it or cancel it.`,
    );
  const endpoints = await store.endpoints.listOfEnvironment(environment.tenantId, environment.id);
  await store.endpoints.removeInstances(
    environment.tenantId,
    environment.id,
    endpoints.map(({ instance }) => instance),
  );
  await applyRouting(platform, signal);
  await deployer.removeEnvironment(environment.id, { volumes }, signal);
  await store.transaction(async (records) => {
    await records.queue.cancel('retire-instances', environment.id);
    await records.environments.delete(environment.tenantId, environment.id);
  });
  await applyRouting(platform, signal);
}
