import { type BuildRun, type BuildStep, dockerfileStepOf, explainCache } from '@eve/domain';
import type { Redact } from '../logs/redact.ts';
import type { Platform } from '../platform.ts';
import type { BuildEvent } from '../ports/builder.ts';
import type { Lease } from '../ports/work-queue.ts';
import { isLeaseLost, patiently } from '../work/patiently.ts';
import { pause } from '../work/pause.ts';

const writeEveryMs = 1_000;
// What one Dockerfile has in steps is far below; whatever has more is not worth a timeline.
const maxSteps = 1_000;

/** Keeps the steps of one service as its builds go on. */
export interface StepRecorder {
  step(event: Extract<BuildEvent, { type: 'step' }>): void;
  /** Resolves when everything is stored; a step that still ran has failed. */
  end(): Promise<void>;
}

interface StepRecorderOptions {
  readonly previous: readonly BuildStep[];
  readonly cacheOff: boolean;
  readonly lease: Lease;
  readonly redact: Redact;
}

/** Stores steps at most once a second. They are for showing: that they cannot be written fails no build. */
export function stepRecorder(
  { store, log, now }: Pick<Platform, 'store' | 'log' | 'now'>,
  run: BuildRun,
  service: string,
  { previous, cacheOff, lease, redact }: StepRecorderOptions,
  signal: AbortSignal,
): StepRecorder {
  const steps = new Map<string, BuildStep>();
  const ended = new AbortController();
  let changed = false;
  let writing: Promise<void> | null = null;

  const write = async () => {
    changed = false;
    const explained = explainCache([...steps.values()], previous, { cacheOff });
    try {
      await patiently(() => store.buildSteps.put(run, service, explained, lease), signal);
    } catch (error) {
      if (!isLeaseLost(error) && !signal.aborted) log.warn({ runId: run.id, error }, 'steps could not be stored');
    }
  };
  const writeNowAndThen = async () => {
    while (changed && !ended.signal.aborted) {
      await pause(writeEveryMs, ended.signal);
      await write();
    }
    writing = null;
  };
  return {
    step({ id: engineId, name, state, at, error }) {
      // The test's build and the image's name their common steps alike, whatever the engine calls them.
      const id = dockerfileStepOf(name) ? name : engineId;
      const known = steps.get(id);
      if (!known && steps.size >= maxSteps) return;
      // A layer that the test's build has just made is taken from the cache for the image.
      if (known && state === 'cached' && known.state === 'done') return;
      steps.set(id, {
        service,
        attempt: run.attempt,
        index: known?.index ?? steps.size + 1,
        name: redact(name) || (known?.name ?? ''),
        state: state === 'started' ? 'running' : state,
        cacheReason: null,
        startedAt: known?.startedAt ?? at,
        completedAt: state === 'started' ? null : at,
        error: error === undefined ? null : redact(error),
      });
      changed = true;
      writing ??= writeNowAndThen();
    },
    async end() {
      ended.abort();
      await writing;
      for (const [id, step] of steps) {
        if (step.state !== 'running') continue;
        changed = true;
        steps.set(id, { ...step, state: 'failed', completedAt: now(), error: 'The build ended before this step did.' });
      }
      if (changed) await write();
    },
  };
}
