import {
  advanceBuildRun,
  type BuildId,
  type BuildRun,
  type BuildRunId,
  isBuildRunFinished,
  PlatformError,
} from '@eve/domain';
import { authorize, type Caller } from '../caller.ts';
import { advanceStepOf } from '../pipelines/advance-step-of.ts';
import type { Platform } from '../platform.ts';
import type { Records } from '../ports/store.ts';
import { findBuildRun } from './read-builds.ts';
import { buildWork } from './start-build-run.ts';

/**
 * Asks a run to end. A pending one is `cancelled` at once; a building one when the engine has confirmed that nothing of it
 * runs any more, until then it shows `cancel_requested_at`. Throws `build_finished` for a run that has ended.
 */
export async function cancelBuildRun(
  platform: Pick<Platform, 'store' | 'now' | 'logs'>,
  caller: Caller,
  { buildId, runId, reason }: { buildId: BuildId; runId?: BuildRunId; reason?: string },
): Promise<BuildRun> {
  const { store, now } = platform;
  const found =
    runId === undefined
      ? await runToCancel(platform, caller, buildId)
      : await findBuildRun(platform, caller, buildId, runId);
  if (!found) throw new PlatformError('build_run_not_found', `Build ${buildId} has no run to cancel.`);
  authorize(caller, 'build', found.projectId);
  if (isBuildRunFinished(found)) {
    throw new PlatformError('build_finished', `Build run ${found.id} has already ended: it is ${found.status}.`);
  }

  // Before the last write, so that whoever follows the log sees it before the end. What runs says itself when it has ended.
  if (found.status === 'pending' && found.cancelRequestedAt === null) {
    const line = { at: now(), attempt: found.attempt, service: null, step: 'cancel', stream: 'platform' } as const;
    const text = `Cancel requested by ${caller.actor}${reason ? `: ${reason}` : ''}`;
    await platform.logs.append(found, [{ ...line, level: 'info', code: null, text }], null);
  }
  return store.transaction(async (records) => {
    const asked = await records.buildRuns.requestCancel(caller.tenantId, found.id, caller.actor, now(), reason);
    if (isBuildRunFinished(asked)) {
      throw new PlatformError('build_finished', `Build run ${found.id} has already ended: it is ${asked.status}.`);
    }
    return endWaitingRun(records, asked, now());
  });
}

/** The newest run that has not ended, else the newest. */
async function runToCancel(
  platform: Pick<Platform, 'store'>,
  caller: Caller,
  buildId: BuildId,
): Promise<BuildRun | null> {
  const { items: runs } = await platform.store.buildRuns.list(caller.tenantId, buildId, { limit: 100 });
  const active = runs.find((run) => !isBuildRunFinished(run));
  return active ?? findBuildRun(platform, caller, buildId);
}

/** Ends a run whose end was asked for, unless a worker has it: that one sees the request itself. */
export async function endWaitingRun(
  records: Pick<Records, 'queue' | 'buildRuns' | 'pipelineRuns'>,
  asked: BuildRun,
  at: Date,
): Promise<BuildRun> {
  const outcome = await records.queue.cancel('execute-build-run', asked.id);
  if (outcome === 'signalled') return asked;
  if (asked.status !== 'pending') {
    // It waited for its next attempt: only a worker can tell that nothing of it runs any more.
    await records.queue.add(buildWork(asked));
    return asked;
  }
  const cancelled = advanceBuildRun(asked, { type: 'cancel' }, at);
  const actor = asked.cancelRequestedBy ?? 'system';
  await records.buildRuns.update(cancelled, { was: 'pending', event: 'cancel', actor, lease: null });
  await advanceStepOf(records, cancelled);
  return cancelled;
}
