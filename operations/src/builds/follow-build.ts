import {
  BuildFailed,
  type BuildFailure,
  type BuildFailurePhase,
  type BuildUsage,
  buildFailure,
  dockerfileStepOf,
} from '@eve/domain';
import type { LogWriter } from '../logs/log-writer.ts';
import type { Platform } from '../platform.ts';
import type { BuildEvent, Builder, ImageBuildPlan } from '../ports/builder.ts';
import type { Lease } from '../ports/work-queue.ts';
import type { PrintedLines } from './printed-lines.ts';
import type { StepRecorder } from './step-recorder.ts';
import type { TestStage } from './test-stage.ts';

/** What hears of a build that goes on. */
export interface BuildListeners {
  readonly writer: LogWriter;
  readonly steps: StepRecorder;
  use(build: string, usage: BuildUsage): void;
  /** Of a builder whose builds survive; null otherwise. */
  readonly printed: PrintedLines | null;
  /** Ends when the lease is lost or the worker stops. */
  readonly held: AbortSignal;
}

/** The stage whose steps are a test, when the build is one. */
export type TestOf = Pick<TestStage, 'stage' | 'named'> | null;

/**
 * Carries one plan out to its end: the digest of what was pushed, null when nothing was to be. Nothing of it runs any
 * more when this ends in any other way, unless the build survives its worker. Throws BuildFailed naming service and phase.
 */
export async function followBuild(
  { failpoint }: Pick<Platform, 'failpoint'>,
  { builder, plan, lease, test }: { builder: Builder; plan: ImageBuildPlan; lease: Lease; test: TestOf },
  listeners: BuildListeners,
  signal: AbortSignal,
): Promise<string | null> {
  signal.throwIfAborted();
  const ref = await builder.ensure(plan, lease);
  try {
    return await follow();
  } finally {
    const isHandedOver = builder.survives && listeners.held.aborted;
    if (signal.aborted && !isHandedOver) await builder.stop(ref);
  }

  async function follow(): Promise<string | null> {
    const { service } = plan;
    const { writer, steps, use, printed } = listeners;
    const shownStep = (name: string | null) => (test && name !== null && isOfStage(name, test.stage) ? 'test' : name);
    let failure: BuildFailure | null = null;
    let done: { digest: string | null } | null = null;
    for await (const found of builder.follow(ref, null, signal)) {
      const event = test?.named ? asWithoutTest(found, test.named) : found;
      switch (event.type) {
        case 'log': {
          failpoint('in-build');
          const cursor = printed?.next(plan.name);
          if (cursor === null) break;
          await writer.print({ ...event, service, step: shownStep(event.step), ...(cursor && { cursor }) });
          break;
        }
        case 'step':
          steps.step(event);
          if (event.state !== 'done') {
            const cursor = printed?.next(plan.name);
            if (cursor === null) break;
            const word = { started: '', cached: 'CACHED ', failed: 'FAILED ' }[event.state];
            // What a step prints has the engine's time, which is a little before it comes here.
            const step = shownStep(event.name) ?? event.name;
            const about = { service, step, ...(event.at.getTime() > 0 && { at: event.at }), ...(cursor && { cursor }) };
            writer.say(`${word}${event.name}`, about);
          }
          break;
        case 'usage':
          use(plan.name, event.usage);
          break;
        case 'passed':
        case 'pushed':
          done = { digest: event.type === 'pushed' ? event.digest : null };
          break;
        case 'failed':
          failure = event.failure;
      }
    }
    // Followed to its end: only then the engine has put everything of it away.
    if (done) return done.digest;
    signal.throwIfAborted();
    throw new BuildFailed(
      failure
        ? { ...failure, service, phase: phaseOf(failure, test) }
        : buildFailure('infrastructure_error', 'The builder ended without an answer.', { phase: 'build', service }),
    );
  }
}

/** The event with the names of steps as they are when the image is built. */
function asWithoutTest(event: BuildEvent, { name, shown }: NonNullable<TestStage['named']>): BuildEvent {
  const renamed = (step: string) =>
    step.replace(/^\[([^\]]*)\]/, (_, place: string) => `[${place.replace(`${name} `, shown && `${shown} `)}]`);
  if (event.type === 'step') return { ...event, name: renamed(event.name) };
  return event.type === 'log' ? { ...event, step: event.step && renamed(event.step) } : event;
}

function phaseOf({ phase, step, code }: BuildFailure, test: TestOf): BuildFailurePhase {
  if (test && code === 'build_error' && step !== null && isOfStage(step, test.stage)) return 'test';
  return phase ?? 'build';
}

/** Whether a step such as `[linux/amd64 unit 2/3] RUN npm test` belongs to a stage. */
function isOfStage(step: string, stage: string): boolean {
  const of = dockerfileStepOf(step);
  return of !== null && (of.stage === stage || of.stage.endsWith(` ${stage}`));
}
