import { type Environment, isDeployFinished, PlatformError, type ProjectId } from '@eve/domain';
import type { Caller } from '../caller.ts';
import { findEnvironment } from '../environments/get-environment.ts';
import { lockedBy } from '../environments/lock-environment.ts';
import { recordAct } from '../organisations/record-act.ts';
import type { Platform } from '../platform.ts';
import type { Records } from '../ports/store.ts';
import { instanceLogsPrefix } from '../runtime-logs/keep-log.ts';
import { applyRouting } from './routing.ts';

/**
 * Stops and removes all that runs in an environment and its records; named volumes only when asked. From its begin on nothing is
 * deployed there; what a failure left is removed by asking again. Throws `environment_protected`, `environment_locked`, and
 * `state_transition_invalid` while a deploy waits or is under way.
 */
export async function deleteEnvironment(
  platform: Platform,
  caller: Caller,
  { projectId, envName, volumes }: { projectId: ProjectId; envName: string; volumes: boolean },
  signal: AbortSignal,
): Promise<void> {
  const { store, deployer } = platform;
  const environment = await findEnvironment(platform, caller, 'deploy', projectId, envName);
  const { id, tenantId } = environment;
  await store.transaction((records) => beginToDelete(platform, records, caller, environment));

  const endpoints = await store.endpoints.listOfEnvironment(tenantId, id);
  await store.endpoints.removeInstances(
    tenantId,
    id,
    endpoints.map(({ instance }) => instance),
    null,
  );
  await applyRouting(platform, signal, id);
  await deployer.removeEnvironment(id, { volumes }, signal);
  await store.transaction(async (records) => {
    await refuseBusy(records, await records.environments.getForChange(tenantId, id));
    await records.queue.cancel('retire-instances', id);
    await records.environments.delete(tenantId, id);
  });
  await platform.blobs.deleteBelow(instanceLogsPrefix(environment));
  await applyRouting(platform, signal, id);
}

async function beginToDelete(
  { now }: Pick<Platform, 'now'>,
  records: Records,
  caller: Caller,
  { id, tenantId }: Environment,
): Promise<void> {
  const environment = await records.environments.getForChange(tenantId, id);
  const { name, lock, settings, status } = environment;
  if (settings.protected)
    throw new PlatformError(
      'environment_protected',
      `Environment ${name} is protected and is not deleted. If you mean it: \`eve env update ${name} --protected off\` first.`,
    );
  if (lock) throw lockedBy(environment, lock, now());
  await refuseBusy(records, environment);
  await records.environments.update({
    id,
    tenantId,
    status: 'suspended',
    suspendedReason: `being deleted by ${caller.actor}`,
  });
  await recordAct(records, caller, {
    subjectKind: 'environment',
    subjectId: id,
    from: status,
    to: 'suspended',
    event: 'delete',
    at: now(),
  });
}

async function refuseBusy({ deploys }: Records, { id, tenantId, name }: Environment): Promise<void> {
  const busy = (await deploys.active(tenantId, id)) ?? (await deploys.pending(tenantId, id))[0];
  if (!busy || isDeployFinished(busy)) return;
  throw new PlatformError(
    'state_transition_invalid',
    `Deploy ${busy.id} of ${name} is under way (${busy.status}): wait for it or cancel it, \`eve deploy cancel ${busy.id}\`.`,
  );
}
