import type { Platform } from '../platform.ts';
import type { ClaimedWork, Heartbeats, WorkClass } from '../ports/work-queue.ts';
import { bell } from './bell.ts';
import { carryOut } from './carry-out.ts';
import { pause } from './pause.ts';
import type { WorkerOptions } from './worker-options.ts';

const defaultLeaseMs = 10_000;
const defaultGraceMs = 10_000;
const defaultGiveBackMs = 10_000;
const longestJitterMs = 40;
const outagePauseMs = 1_000;

/** Claims and carries out work until the signal; then waits for what runs, at most for the grace, and gives the rest back. */
export async function runWorker(
  platform: Pick<Platform, 'queue' | 'store' | 'log' | 'failpoint'>,
  options: WorkerOptions,
  signal: AbortSignal,
): Promise<void> {
  const { queue, log, failpoint } = platform;
  const { worker, slots, leaseMs = defaultLeaseMs, graceMs = defaultGraceMs, giveBackMs = defaultGiveBackMs } = options;
  await using heartbeats = await queue.heartbeats({ leaseMs });
  const running = new Map<Promise<void>, WorkClass>();
  const stopped = new AbortController();
  const rung = bell();

  const ringing = ringOnWakes(platform, rung.ring, signal);
  while (!signal.aborted) {
    const classes = freeClasses(slots, running);
    if (classes.length === 0) {
      await rung.wait(signal);
      continue;
    }
    const answer = await queue.claim({ worker, classes, leaseMs }).catch((error: unknown) => {
      log.warn({ worker, error: messageOf(error) }, 'work could not be claimed');
      return null;
    });
    if (answer === null) await pause(outagePauseMs, signal);
    else if (answer.work) {
      failpoint('after-claim');
      start(answer.work, heartbeats);
    } else if (answer.more) await pause(Math.random() * longestJitterMs, signal);
    else await rung.wait(signal);
  }

  await endWithin(graceMs);
  if (running.size > 0) {
    stopped.abort(new Error('The worker is stopping.'));
    await endWithin(giveBackMs);
  }
  // Whatever heeds no signal loses its lease, and is taken up by another worker.
  if (running.size > 0) log.warn({ worker, works: running.size }, 'the worker stops although handlers still run');
  await ringing;

  async function endWithin(ms: number): Promise<void> {
    const ended = new AbortController();
    void Promise.all(running.keys()).then(() => ended.abort());
    await pause(ms, ended.signal);
  }

  function start(work: ClaimedWork, beats: Heartbeats): void {
    const done = carryOut(platform, { ...options, beats, stopping: stopped.signal }, work).finally(() => {
      running.delete(done);
      rung.ring();
    });
    running.set(done, work.class);
  }
}

function freeClasses(
  slots: Readonly<Record<WorkClass, number>>,
  running: ReadonlyMap<unknown, WorkClass>,
): readonly WorkClass[] {
  const taken = { build: 0, deploy: 0, control: 0 };
  for (const workClass of running.values()) taken[workClass]++;
  return (['build', 'deploy', 'control'] as const).filter((workClass) => taken[workClass] < slots[workClass]);
}

// Wakes are hints from outside: whatever happens to them must not end the worker.
async function ringOnWakes(
  { queue, log }: Pick<Platform, 'queue' | 'log'>,
  ring: () => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const _ of queue.wakes(signal)) ring();
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'wakes of the queue ended, listening again');
    }
    await pause(outagePauseMs, signal);
    ring();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
