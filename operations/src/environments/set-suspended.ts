import type { Environment, ProjectId } from '@eve/domain';
import type { Caller } from '../caller.ts';
import { recordAct } from '../organisations/record-act.ts';
import type { Platform } from '../platform.ts';
import { findEnvironment } from './get-environment.ts';

export interface SetSuspended {
  readonly projectId: ProjectId;
  readonly name: string;
  readonly suspended: boolean;
  readonly reason?: string;
}

/** Suspends an environment, so that it takes no deploys, or resumes it; what runs goes on running. Suspending again changes the reason. */
export async function setSuspended(
  { store, now }: Pick<Platform, 'store' | 'now'>,
  caller: Caller,
  { projectId, name, suspended, reason }: SetSuspended,
): Promise<Environment> {
  const { id, tenantId } = await findEnvironment({ store }, caller, 'configure', projectId, name);
  return store.transaction(async (records) => {
    const environment = await records.environments.getForChange(tenantId, id);
    const status = suspended ? 'suspended' : 'active';
    const suspendedReason = suspended ? reason?.trim() || null : null;
    const again = environment.status === status;
    if (again && (suspendedReason === null || suspendedReason === environment.suspendedReason)) return environment;
    await records.environments.update({ id, tenantId, status, suspendedReason });
    await recordAct(records, caller, {
      subjectKind: 'environment',
      subjectId: id,
      from: environment.status,
      to: status,
      event: suspended ? 'suspend' : 'resume',
      at: now(),
    });
    return { ...environment, status, suspendedReason };
  });
}
