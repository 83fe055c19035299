import { advanceBuildRun, type BuildRun, PlatformError } from '@eve/domain';
import { advanceStepOf } from '../pipelines/advance-step-of.ts';
import type { Platform } from '../platform.ts';
import { pause } from '../work/pause.ts';
import { queueTimeout } from './build-failure-of.ts';

const atOnce = 100;
const everyMs = 5_000;

type Needs = Pick<Platform, 'store' | 'logs' | 'now' | 'log' | 'settings'>;

/** Looks for overdue runs again and again, until the signal. Any number of processes may do so. */
export async function watchOverdueBuildRuns(platform: Needs, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await failOverdueBuildRuns(platform).catch((error: unknown) => {
      platform.log.warn({ error: String(error) }, 'overdue builds could not be looked for');
    });
    await pause(everyMs, signal);
  }
}

/** Ends runs that have waited for their start longer than they may. One that was just claimed is left to its worker. Answers how many were ended. */
export async function failOverdueBuildRuns(platform: Needs): Promise<number> {
  const { store, now, log } = platform;
  let ended = 0;
  for (const run of await store.buildRuns.overdue(now(), atOnce)) {
    try {
      await failOverdue(platform, run);
      ended++;
    } catch (error) {
      if (!(error instanceof Claimed) && !isChanged(error))
        log.warn({ runId: run.id, error }, 'an overdue run could not be ended');
    }
  }
  return ended;
}

async function failOverdue(
  { store, logs, now, settings }: Pick<Platform, 'store' | 'logs' | 'now' | 'settings'>,
  run: BuildRun,
): Promise<void> {
  const failure = queueTimeout(settings.buildQueueTimeoutMs);
  await store.transaction(async (records) => {
    // Rolled back with all it did when a worker has the work already.
    if ((await records.queue.cancel('execute-build-run', run.id)) === 'signalled') throw new Claimed();
    // Nobody can claim it now, and whoever follows the log sees the reason before the end.
    const about = { at: now(), attempt: run.attempt, service: null, step: 'error', stream: 'platform' } as const;
    const lines = [`Error: ${failure.message}`, `Hint: ${failure.hint}`];
    await logs.append(
      run,
      lines.map((text) => ({ ...about, level: 'error', code: failure.code, text })),
      null,
    );
    const failed = advanceBuildRun(run, { type: 'fail', failure }, now());
    await records.buildRuns.update(failed, { was: 'pending', event: 'fail', actor: 'system', lease: null });
    await advanceStepOf(records, failed);
  });
}

class Claimed extends Error {
  override readonly name = 'Claimed';
}

function isChanged(error: unknown): boolean {
  return error instanceof PlatformError && error.code === 'record_changed';
}
