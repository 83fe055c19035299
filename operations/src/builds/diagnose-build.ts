import {
  type BuildArtifact,
  type BuildDifference,
  type BuildFailure,
  type BuildId,
  type BuildRun,
  type BuildSpec,
  type BuildStep,
  buildDifferences,
  dockerfileStepOf,
} from '@eve/domain';
import type { Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import type { LogLine } from '../ports/logs.ts';
import type { QueuePosition } from '../ports/work-queue.ts';
import { findManifest } from './build-context.ts';
import { buildRunWaiting, getBuild } from './read-builds.ts';

const mostRuns = 20;
const lastLines = 30;

/** How much of a build was taken from the cache: the Dockerfile's steps, but for the base images, of its last attempt that ended. */
export interface CacheUse {
  readonly steps: number;
  readonly hits: number;
  /** From 0 to 1. */
  readonly rate: number;
}

/** The project's newest run before this one that built the same services, and what is different now. */
export interface LastGood {
  readonly spec: BuildSpec;
  readonly run: BuildRun;
  readonly differences: readonly BuildDifference[];
}

/** Everything about a build in one answer. What is told of a run is told of the newest that is no verification. */
export interface BuildDiagnosis {
  readonly spec: BuildSpec;
  /** Newest first, at most 20, verifications among them; each with its limits, use, retries and deadline. */
  readonly runs: readonly BuildRun[];
  readonly run: BuildRun | null;
  /** What the run has made, also when it failed after that; else those of the newest that was completed. */
  readonly artifacts: readonly BuildArtifact[];
  readonly steps: readonly BuildStep[];
  readonly cache: CacheUse | null;
  readonly logs: readonly LogLine[];
  readonly waiting: QueuePosition | null;
  readonly failure: BuildFailure | null;
  readonly lastGood: LastGood | null;
}

/** Spec, runs, artifacts, steps, the last 30 log lines, what to do about a failure, and what changed since it last went well. */
export async function diagnoseBuild(
  platform: Pick<Platform, 'store' | 'logs' | 'queue'>,
  caller: Caller,
  buildId: BuildId,
): Promise<BuildDiagnosis> {
  const { store, logs } = platform;
  const { tenantId } = caller;
  const spec = await getBuild(platform, caller, buildId);
  const { items: runs } = await store.buildRuns.list(tenantId, buildId, { limit: mostRuns });
  const run = await store.buildRuns.latest(tenantId, buildId);
  const made = run ? await store.buildArtifacts.listOfRun(tenantId, run.id) : [];
  const steps = run ? await store.buildSteps.listOfRun(tenantId, run.id) : [];
  return {
    spec,
    runs,
    run,
    artifacts: made.length > 0 ? made : await store.buildArtifacts.listOfBuild(tenantId, buildId),
    steps,
    cache: cacheUse(steps),
    logs: run ? await logs.read({ tenantId, id: run.id }, { tail: lastLines }) : [],
    waiting: run ? await buildRunWaiting(platform, run) : null,
    failure: run?.failure ?? null,
    lastGood: run ? await lastGoodBefore(platform, spec, run, steps) : null,
  };
}

/** Null before any step has ended. */
export function cacheUse(steps: readonly BuildStep[]): CacheUse | null {
  const last = Math.max(0, ...steps.map(({ attempt }) => attempt));
  const ended = steps.filter(
    ({ attempt, state, name }) => attempt === last && state !== 'running' && isCacheable(name),
  );
  if (ended.length === 0) return null;
  const hits = ended.filter(({ state }) => state === 'cached').length;
  return { steps: ended.length, hits, rate: hits / ended.length };
}

function isCacheable(name: string): boolean {
  const step = dockerfileStepOf(name);
  return step !== null && !/^FROM /i.test(step.instruction);
}

async function lastGoodBefore(
  { store }: Pick<Platform, 'store'>,
  spec: BuildSpec,
  run: BuildRun,
  steps: readonly BuildStep[],
): Promise<LastGood | null> {
  const good = await store.buildRuns.lastCompleted(spec, run.id);
  if (!good) return null;
  const goodSpec = good.buildId === spec.id ? spec : await store.buildSpecs.get(spec.tenantId, good.buildId);
  const goodSteps = await store.buildSteps.listOfRun(spec.tenantId, good.id);
  const then = { spec: goodSpec, run: good, manifest: await findManifest({ store }, goodSpec), steps: goodSteps };
  const now = { spec, run, manifest: await findManifest({ store }, spec), steps };
  return { spec: goodSpec, run: good, differences: buildDifferences(then, now) };
}
