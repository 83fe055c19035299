import { advanceBuildRun, type BuildRun, isBuildRunFinished } from '@eve/domain';
import { advanceStepOf } from '../pipelines/advance-step-of.ts';
import type { Platform } from '../platform.ts';
import type { Records } from '../ports/store.ts';
import type { ClaimedWork } from '../ports/work-queue.ts';
import { patiently } from '../work/patiently.ts';
import { BuildCancelled, type Outcome } from './build-attempt.ts';
import { endWaitingRun } from './cancel-build-run.ts';

/** One transaction writes the outcome, frees the slot and wakes the pipeline that waits. Throws BuildCancelled when a cancel was faster than a completion. */
export async function endBuildRun(
  { store, now }: Pick<Platform, 'store' | 'now'>,
  { lease }: ClaimedWork,
  run: BuildRun,
  outcome: Outcome,
  held: AbortSignal,
): Promise<void> {
  await transactionOnce(store, run, held, async (records, current) => {
    if (outcome.type === 'complete' && current.cancelRequestedAt) throw new BuildCancelled();
    const ended = advanceBuildRun(withNotes(current, run), outcome, now());
    const actor = (outcome.type === 'cancel' && current.cancelRequestedBy) || 'system';
    await records.buildRuns.update(ended, { was: 'building', event: outcome.type, actor, lease });
    await advanceStepOf(records, ended);
    await records.queue.settle(lease);
  });
}

/** One transaction gives the run back, frees its slot and queues it again for after the delay. Throws BuildCancelled when a cancel was faster. */
export async function giveBackBuildRun(
  { store, now, settings }: Pick<Platform, 'store' | 'now' | 'settings'>,
  { lease }: ClaimedWork,
  run: BuildRun,
  delayMs: number,
  held: AbortSignal,
): Promise<void> {
  await transactionOnce(store, run, held, async (records, current) => {
    if (current.cancelRequestedAt) throw new BuildCancelled();
    const at = now();
    const waiting: BuildRun = {
      ...advanceBuildRun(withNotes(current, run), { type: 'retry' }, at),
      queueDeadlineAt: new Date(at.getTime() + delayMs + settings.buildQueueTimeoutMs),
    };
    await records.buildRuns.update(waiting, { was: 'building', event: 'retry', actor: 'system', lease });
    await records.queue.requeue(lease, delayMs, 'retry_delay');
  });
  await patiently(async () => {
    const waiting = await store.buildRuns.get(run.tenantId, run.id);
    // Asked for while it was given back: it must not wait for its end.
    if (waiting.status !== 'pending' || waiting.cancelRequestedAt === null) return;
    await store.transaction((records) => endWaitingRun(records, waiting, now()));
  }, held);
}

/** A transaction whose answer may get lost: what is repeated after that finds that it was done. */
async function transactionOnce(
  store: Platform['store'],
  { tenantId, id, attempt }: BuildRun,
  held: AbortSignal,
  act: (records: Records, current: BuildRun) => Promise<void>,
): Promise<void> {
  let isRepeated = false;
  await patiently(
    () =>
      store.transaction(async (records) => {
        const current = await records.buildRuns.get(tenantId, id);
        const isDone = isBuildRunFinished(current) || current.status === 'pending' || current.attempt !== attempt;
        if (isRepeated && isDone) return;
        isRepeated = true;
        await act(records, current);
      }),
    held,
  );
}

function withNotes(current: BuildRun, { notes, runnerRef, limits, usage, verification }: BuildRun): BuildRun {
  return { ...current, notes, runnerRef, limits, usage, verification };
}
