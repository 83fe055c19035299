import type { Environment, ProjectId } from '@eve/domain';
import type { Caller } from '../caller.ts';
import { recordAct } from '../organisations/record-act.ts';
import type { Platform } from '../platform.ts';
import { findEnvironment } from './get-environment.ts';

/** Suspends an environment, so that it takes no deploys, or resumes it; what runs goes on running. */
export async function setSuspended(
  { store, now }: Pick<Platform, 'store' | 'now'>,
  caller: Caller,
  { projectId, name, suspended }: { projectId: ProjectId; name: string; suspended: boolean },
): Promise<Environment> {
  return store.transaction(async (records) => {
    const environment = await findEnvironment({ store: records }, caller, 'configure', projectId, name);
    const status = suspended ? 'suspended' : 'active';
    if (environment.status === status) return environment;
    const changed: Environment = { ...environment, status };
    await records.environments.update({ id: changed.id, tenantId: changed.tenantId, status });
    await recordAct(records, caller, {
      subjectKind: 'environment',
      subjectId: environment.id,
      from: environment.status,
      to: status,
      event: suspended ? 'suspend' : 'resume',
      at: now(),
    });
    return changed;
  });
}
