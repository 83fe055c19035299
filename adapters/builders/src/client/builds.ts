import type { RunningProgram } from '@eve/adapter-process';
import { buildFailure } from '@eve/domain';
import type { BuildEvent, Builder, ImageBuildPlan, RunnerRef } from '@eve/operations';
import type { ControlGroup } from './control-group.ts';
import { buildEvents } from './events.ts';
import { parseThread, type ThreadedProgress } from './parse-thread.ts';
import type { Scratch } from './scratch.ts';

/** A client that was started for one build. */
export interface StartedClient {
  /** As messages name it. */
  readonly name: string;
  readonly program: RunningProgram;
  readonly scratch: Scratch & AsyncDisposable;
  /** What the build's steps run in, where the engine is ours. */
  readonly group: ControlGroup | null;
}

/** One build while it runs. */
export interface Build extends StartedClient {
  readonly plan: ImageBuildPlan;
  readonly progress: ThreadedProgress;
  stopped: boolean;
}

interface Followed extends Build {
  readonly events: AsyncIterator<BuildEvent>;
  /** Asked for and not yet handed to a follower; kept when one gives up waiting. */
  next: Promise<IteratorResult<BuildEvent>> | null;
}

/**
 * The builds whose clients run in this process. A build ends with it, so there is nothing to re-attach to: a later
 * attempt runs on the warm cache.
 */
export function clientBuilds(
  start: (plan: ImageBuildPlan) => Promise<StartedClient>,
): Pick<Builder, 'ensure' | 'follow' | 'stop' | 'list'> {
  const builds = new Map<RunnerRef, Promise<Followed>>();
  const parser = parseThread();

  const begin = async (plan: ImageBuildPlan): Promise<Followed> => {
    const progress = parser.open();
    const client = await start(plan);
    client.program.stdin.end();
    client.program.stdout.resume();
    const build = { ...client, plan, progress, next: null, stopped: false };
    return Object.assign(build, { events: buildEvents(build) });
  };

  return {
    async ensure(plan) {
      const running = builds.get(plan.name);
      if (running) await running;
      else {
        const started = begin(plan);
        builds.set(plan.name, started);
        await started.catch((error: unknown) => {
          builds.delete(plan.name);
          throw error;
        });
      }
      return plan.name;
    },
    async *follow(ref, _cursor, signal) {
      signal.throwIfAborted();
      const build = await builds.get(ref);
      if (!build) {
        const failure = buildFailure('infrastructure_error', 'The build ended with the worker that ran it.');
        yield { type: 'failed', failure };
        return;
      }
      const aborted = abortOf(signal);
      try {
        for (;;) {
          build.next ??= nextOf(build, () => builds.delete(ref));
          const { value, done } = await Promise.race([build.next, aborted.promise]);
          build.next = null;
          if (done) return;
          if (value.type === 'pushed' || value.type === 'passed' || value.type === 'failed') builds.delete(ref);
          yield value;
        }
      } finally {
        aborted.release();
      }
    },
    async stop(ref) {
      const build = await builds.get(ref)?.catch(() => undefined);
      if (!build) return;
      build.stopped = true;
      await build.program.stop();
      if (!build.next) build.program.stderr.resume(); // nobody reads it any more
      await build.progress.end().catch(() => {}); // its reader in the parser's thread goes, too
      await build.group?.[Symbol.asyncDispose]();
      await build.scratch[Symbol.asyncDispose]();
      builds.delete(ref);
    },
    list: async () => [...builds.keys()],
  };
}

function nextOf({ events }: Followed, forget: () => void): Promise<IteratorResult<BuildEvent>> {
  const next = events.next();
  next.catch(forget); // also when its follower has gone
  return next;
}

/** Rejects with the signal's reason once it ends. */
export function abortOf(signal: AbortSignal): { promise: Promise<never>; release(): void } {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {});
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  return { promise, release: () => signal.removeEventListener('abort', onAbort) };
}
