import { advanceBuildRun, type BuildRun, buildFailure, isBuildRunFinished } from '@eve/domain';
import { advanceStepOf } from '../pipelines/advance-step-of.ts';
import type { Platform } from '../platform.ts';
import type { ClaimedWork } from '../ports/work-queue.ts';
import { stopLeftovers } from './stop-leftovers.ts';

/** Ends a run whose work failed again and again for a reason of ours. */
export async function giveUpBuildRun(
  platform: Pick<Platform, 'store' | 'now' | 'logs' | 'builders'>,
  work: ClaimedWork,
): Promise<void> {
  const { store, now, logs } = platform;
  const run = await store.buildRuns.get(work.tenantId, work.id as BuildRun['id']);
  if (isBuildRunFinished(run)) return store.queue.settle(work.lease);
  await stopLeftovers(platform, run);
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
  await store.transaction(async (records) => {
    const failed = advanceBuildRun(run, { type: 'fail', failure }, now());
    await records.buildRuns.update(failed, { was: run.status, event: 'fail', actor: 'system', lease: work.lease });
    await advanceStepOf(records, failed);
    await records.queue.settle(work.lease);
  });
}
