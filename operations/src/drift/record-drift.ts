import { type Drift, type DriftDifference, type Environment, sameDifferences, waitsForItsTurn } from '@eve/domain';
import type { Platform } from '../platform.ts';
import type { Records } from '../ports/store.ts';

const seenEveryMs = 60_000;

/** Whether what was seen is worth a second look: nothing is known of it yet, or it is otherwise by now. */
export function isNews(
  known: Drift | null,
  { currentRevisionId }: Pick<Environment, 'currentRevisionId'>,
  differences: readonly DriftDifference[],
  at: Date,
): boolean {
  if (!known) return differences.length > 0;
  if (known.revisionId !== currentRevisionId || !sameDifferences(known.differences, differences)) return true;
  return at.getTime() - known.seenAt.getTime() >= seenEveryMs;
}

/**
 * Writes what was seen twice of an environment, unless it has been deployed to since, or is about to be. Answers with the drift that
 * lasts after it. Any number of processes may do so at once.
 */
export async function recordDrift(
  { store, now, newId }: Pick<Platform, 'store' | 'now' | 'newId'>,
  { id, tenantId, projectId, currentRevisionId, lastDeployId }: Environment,
  differences: readonly DriftDifference[],
): Promise<Drift | null> {
  return store.transaction(async (records) => {
    const environment = await records.environments.getForChange(tenantId, id);
    const known = await records.drifts.current(tenantId, id);
    const same = environment.currentRevisionId === currentRevisionId && environment.lastDeployId === lastDeployId;
    if (!same || currentRevisionId === null || (await isBusy(records, environment))) return known;

    const seenAt = now();
    const ends = known !== null && (differences.length === 0 || known.revisionId !== currentRevisionId);
    if (ends) await write(records, { ...known, seenAt, clearedAt: seenAt }, 'clear');
    if (differences.length === 0) return null;
    if (known && !ends) {
      const event = sameDifferences(known.differences, differences) ? null : 'change';
      return write(records, { ...known, differences, seenAt }, event);
    }
    const drift: Drift = {
      id: newId('drift'),
      tenantId,
      projectId,
      environmentId: id,
      revisionId: currentRevisionId,
      differences,
      detectedAt: seenAt,
      seenAt,
      clearedAt: null,
      repairDeployId: null,
    };
    return write(records, drift, 'detect');
  });
}

/** Notes which deploy is to repair a drift that lasts. */
export async function recordRepair(
  { store }: Pick<Platform, 'store'>,
  { id, tenantId, environmentId }: Drift,
  repairDeployId: NonNullable<Drift['repairDeployId']>,
): Promise<void> {
  await store.transaction(async (records) => {
    await records.environments.getForChange(tenantId, environmentId);
    const known = await records.drifts.current(tenantId, environmentId);
    if (known?.id === id) await write(records, { ...known, repairDeployId }, 'repair');
  });
}

async function write(records: Records, drift: Drift, event: 'detect' | 'change' | 'clear' | 'repair' | null) {
  const { id: subjectId, tenantId, seenAt: at, clearedAt } = drift;
  await records.drifts.put(drift);
  if (event)
    await records.transitions.record({
      tenantId,
      subjectKind: 'drift',
      subjectId,
      from: event === 'detect' ? null : 'lasting',
      to: clearedAt ? 'cleared' : 'lasting',
      event,
      actor: 'system',
      at,
    });
  return drift;
}

async function isBusy({ deploys }: Records, { tenantId, id }: Environment): Promise<boolean> {
  if (await deploys.active(tenantId, id)) return true;
  return (await deploys.pending(tenantId, id)).some(waitsForItsTurn);
}
