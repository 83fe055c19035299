import { setTimeout as delay } from 'node:timers/promises';
import { expireLease } from '@eve/adapter-postgres/testing';
import { executeBuildRun } from '../src/builds/execute-build-run.ts';
import { giveUpBuildRun } from '../src/builds/give-up-build-run.ts';
import { executeDeploy } from '../src/deploys/execute-deploy.ts';
import { giveUpDeploy } from '../src/deploys/give-up-deploy.ts';
import { retireInstances } from '../src/deploys/retire-instances.ts';
import { advancePipelineRun, giveUpPipelineRun } from '../src/pipelines/advance-pipeline-run.ts';
import type { Failpoint, Platform } from '../src/platform.ts';
import type { WorkClass, WorkQueue } from '../src/ports/work-queue.ts';
import { runWorker } from '../src/work/run-worker.ts';
import type { WorkerOptions } from '../src/work/worker-options.ts';
import type { TestPlatform } from './platform.ts';

const pollMs = 10;
const longestMs = 20_000;

/** The real operations by kind of work. */
export function handlersOf(platform: Platform): Pick<WorkerOptions, 'handlers' | 'giveUp'> {
  return {
    handlers: {
      'execute-build-run': (work, signal, cancelled) => executeBuildRun(platform, work, signal, cancelled),
      'execute-deploy': (work, signal, cancelled) => executeDeploy(platform, work, signal, cancelled),
      'retire-instances': (work, signal) => retireInstances(platform, work, signal),
      'advance-pipeline-run': (work) => advancePipelineRun(platform, work),
    },
    giveUp: {
      'execute-build-run': (work) => giveUpBuildRun(platform, work),
      'execute-deploy': (work) => giveUpDeploy(platform, work),
      'retire-instances': (work) => platform.store.queue.requeue(work.lease, 60_000, 'retry_delay'),
      'advance-pipeline-run': (work, error) => giveUpPipelineRun(platform, work, error),
    },
  };
}

/** Runs a worker until the queue is empty, or the condition holds; what waits for a retry is not waited for but hurried. */
export async function workUntil(
  { platform, db }: Pick<TestPlatform, 'platform' | 'db'>,
  until: () => boolean | Promise<boolean> = async () => (await db.pool.query('select from work')).rowCount === 0,
): Promise<void> {
  const stopping = new AbortController();
  const slots = { build: 4, deploy: 4, control: 4 };
  const options = { worker: 'test', slots, leaseMs: 2_000, graceMs: 50, ...handlersOf(platform) };
  const ended = runWorker(platform, options, stopping.signal);
  const latest = Date.now() + longestMs;
  try {
    while (!(await until())) {
      if (Date.now() > latest) throw new Error('The work did not come to its end in time.');
      await db.pool.query(`update work set run_at = now() where state = 'waiting'`);
      await platform.queue.sweep({ leaseMs: 60_000 });
      await delay(pollMs);
    }
  } finally {
    stopping.abort();
    await ended;
  }
}

/**
 * Carries work out up to a failpoint, where everything ends at once: nothing is recorded any more, and the lease runs out.
 * `after-claim` dies before the work begins.
 */
export async function killAt(
  test: Pick<TestPlatform, 'platform' | 'db' | 'onFailpoint'>,
  workClass: WorkClass,
  failpoint: Failpoint,
  freshQueue: () => WorkQueue,
): Promise<void> {
  const { platform, db } = test;
  const { work } = await platform.queue.claim({ worker: 'doomed', classes: [workClass], leaseMs: 60_000 });
  if (!work) throw new Error(`There is no work of the class ${workClass}.`);
  const killed = new AbortController();
  let reached = failpoint === 'after-claim';
  test.onFailpoint = (name) => {
    if (name !== failpoint) return;
    reached = true;
    killed.abort(new Error(`Killed at ${name}.`));
    throw killed.signal.reason;
  };
  if (!reached) {
    const handler = handlersOf(platform).handlers[work.kind];
    await handler(work, killed.signal, new AbortController().signal).catch((error: unknown) => {
      if (!reached) throw error;
    });
  }
  test.onFailpoint = null;
  if (!reached) throw new Error(`The failpoint ${failpoint} was not reached.`);
  await expireLease(db, work.lease);
  await freshQueue().sweep({ leaseMs: 1 });
}
