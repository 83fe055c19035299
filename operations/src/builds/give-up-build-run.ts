import { advanceBuildRun, type BuildFailure, type BuildRun, buildFailure, isBuildRunFinished } from '@eve/domain';
import { advanceStepOf } from '../pipelines/advance-step-of.ts';
import type { Platform } from '../platform.ts';
import type { ClaimedWork } from '../ports/work-queue.ts';
import { stopLeftovers } from './stop-leftovers.ts';

/** Ends a run whose work failed again and again for a reason of ours; as cancelled when that was asked for. */
export async function giveUpBuildRun(
  platform: Pick<Platform, 'store' | 'now' | 'logs' | 'builders'>,
  work: ClaimedWork,
): Promise<void> {
  const { store, now, logs } = platform;
  const run = await store.buildRuns.get(work.tenantId, work.id as BuildRun['id']);
  if (isBuildRunFinished(run)) return store.queue.settle(work.lease);
  await stopLeftovers(platform, run);
  if (run.cancelRequestedAt) return end(platform, work, run, { type: 'cancel' });
  const failure = buildFailure(
    'infrastructure_error',
    'The build was tried several times and its builder was lost each time.',
    { phase: 'prepare' },
  );
  const line = {
    at: now(),
    attempt: run.attempt,
    service: null,
    step: 'error',
    stream: 'platform',
    level: 'error',
    code: failure.code,
  } as const;
  await logs.append(run, [{ ...line, text: `Error: ${failure.message}` }], work.lease);
  await end(platform, work, run, { type: 'fail', failure });
}

async function end(
  { store, now }: Pick<Platform, 'store' | 'now'>,
  { lease }: ClaimedWork,
  run: BuildRun,
  event: { type: 'cancel' } | { type: 'fail'; failure: BuildFailure },
): Promise<void> {
  await store.transaction(async (records) => {
    const ended = advanceBuildRun(run, event, now());
    await records.buildRuns.update(ended, { was: run.status, event: event.type, actor: 'system', lease });
    await advanceStepOf(records, ended);
    await records.queue.settle(lease);
  });
}
