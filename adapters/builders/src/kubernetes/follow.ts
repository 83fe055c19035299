import { setTimeout as sleep } from 'node:timers/promises';
import { isRefused, type Pod } from '@eve/adapter-kubernetes';
import { type BuildFailure, buildFailure } from '@eve/domain';
import type { BuildEvent, Cursor } from '@eve/operations';
import type { GroupSample } from '../client/control-group.ts';
import { memoryWarnings } from '../client/events.ts';
import type { EngineProgress, JobEngine } from './engine.ts';
import { lookAt } from './look.ts';
import { defaults, type JobOptions } from './options.ts';
import { isAway, lookAgainMs, patient } from './patient.ts';
import { buildAnnotation, container } from './place.ts';
import { markSeen } from './pod-scripts.ts';
import { type BuildEnd, endOf, readLog, readPod, type Told } from './reading.ts';
import { builderLost, type PodState, podStateOf, type Seen } from './trouble.ts';

const watchMs = 2_000;

/** A build's Job as a follower knows it. */
interface Followed {
  readonly options: JobOptions;
  readonly engine: JobEngine;
  readonly plan: string;
  readonly signal: AbortSignal;
  /** How much of the progress was read. */
  offset: number;
}

/**
 * What happens in a build, from its first step on, whoever started it: steps and output are read from the beginning each time and are
 * the same each time, so a cursor is how many of them a follower has had.
 */
export async function* followJob(
  { options, engine }: Pick<Followed, 'options' | 'engine'>,
  plan: string,
  cursor: Cursor | null,
  signal: AbortSignal,
): AsyncGenerator<BuildEvent> {
  const build: Followed = { options, engine, plan, signal, offset: 0 };
  const progress = engine.openProgress();
  let skip = Number.parseInt(cursor ?? '0', 10) || 0;
  const fresh = <T>(events: readonly T[]): readonly T[] => {
    const left = events.slice(skip);
    skip = Math.max(0, skip - events.length);
    return left;
  };
  const warnings = memoryWarnings();
  let memory: GroupSample | null = null;
  let outcome: Outcome | null = null;
  try {
    for await (const told of tellings(build)) {
      if (told.type === 'progress') yield* fresh(await progress.push(told.chunk));
      else if (told.type === 'sample') {
        memory = told.sample;
        yield* warnings(memory);
      } else outcome = told;
    }
    yield* fresh(await progress.end());
    yield await lastEvent(build, progress, outcome, memory);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

/** The last thing told of a build. */
type Outcome =
  | { readonly type: 'end'; readonly end: BuildEnd }
  | { readonly type: 'failed'; readonly failure: BuildFailure }
  | { readonly type: 'gone' };

/** All that a build's pod tells, as one stream over broken connections, its end and its container's end. */
async function* tellings(build: Followed): AsyncGenerator<Told | Outcome> {
  const { options, plan, signal } = build;
  let taken = 0;
  for (let looks = 0; ; looks += 1) {
    const seen = await patient(() => lookAt(options, plan, looks < 10 ? 'state' : 'events'), signal);
    const state = seen && podStateOf(seen, patienceOf(options));
    if (!seen || !state) return yield { type: 'gone' };
    if (state.state === 'failed') {
      if (seen.pod) yield* patiently(build, readLog(options, placeIn(seen.pod), build.offset, false, signal));
      return yield { type: 'failed', failure: state.failure };
    }
    if (state.state === 'waiting' || !seen.pod) {
      await sleep(lookAgainMs(looks), undefined, { signal });
      continue;
    }
    if (state.state === 'ended' && wasTakenAway(build, state)) {
      // Who took it away tells in the Job's or the pod's status, a moment later.
      taken += 1;
      if (taken > 50)
        return yield { type: 'failed', failure: builderLost(`its pod ended with code ${state.exitCode}`) };
      await sleep(200, undefined, { signal });
      continue;
    }
    const before = build.offset;
    for await (const told of patiently(build, reading(build, seen, seen.pod, state))) {
      yield told;
      if (told.type === 'end') return;
    }
    if (build.offset === before) await sleep(lookAgainMs(looks), undefined, { signal });
  }
}

/** Our client says how it ended; one that was killed says nothing. */
function wasTakenAway({ engine }: Followed, { exitCode, message }: Extract<PodState, { state: 'ended' }>): boolean {
  return engine.progress === 'file' ? message === '' : exitCode === 143;
}

/** What can be read now: from the pod while it runs, later from what the kubelet keeps of its output. */
async function* reading(build: Followed, seen: Seen, pod: Pod, state: PodState): AsyncGenerator<Told> {
  const { options, engine, signal } = build;
  const place = placeIn(pod);
  if (state.state === 'ended') {
    yield* readLog(options, place, build.offset, false, signal);
    return yield { type: 'end', end: engine.progress === 'file' ? endOf(state.message) : endOfLog(state) };
  }
  if (engine.progress === 'log') return yield* readLog(options, place, build.offset, true, signal);
  const watched = new AbortController();
  const both = AbortSignal.any([signal, watched.signal]);
  const watching = watch(build, both).then(
    () => watched.abort(),
    () => {},
  );
  try {
    yield* readPod(options, place, build.offset, engine.memoryLimit(seen.job), both);
  } catch (error) {
    signal.throwIfAborted();
    if (!watched.signal.aborted) throw error;
  } finally {
    watched.abort();
    await watching;
  }
}

/** Resolves when a build does not run any more: then nobody may be left to end the reading. */
async function watch({ options, plan }: Followed, signal: AbortSignal): Promise<void> {
  for (let ended = 0; ended < 2; ) {
    await sleep(watchMs, undefined, { signal });
    const seen = await patient(() => lookAt(options, plan), signal);
    const state = seen && podStateOf(seen, patienceOf(options)).state;
    if (state === null || state === 'failed') return;
    if (state !== 'running') ended += 1;
  }
}

/** Counts what was read; that something does not answer ends the reading, not the following. */
async function* patiently(build: Followed, tellings: AsyncIterable<Told>): AsyncGenerator<Told> {
  try {
    for await (const told of tellings) {
      if (told.type === 'progress') build.offset += told.chunk.length;
      yield told;
    }
  } catch (error) {
    build.signal.throwIfAborted();
    if (!isAway(error) && !isRefused(error, 'not_found', 'invalid')) throw error;
  }
}

async function lastEvent(
  build: Followed,
  progress: EngineProgress,
  outcome: Outcome | null,
  memory: GroupSample | null,
): Promise<BuildEvent> {
  const { options, plan, signal } = build;
  const seen = await patient(() => lookAt(options, plan), signal);
  const service = seen?.job.metadata.annotations?.[buildAnnotation.service] ?? '';
  const failed = (failure: BuildFailure): BuildEvent => ({ type: 'failed', failure: { ...failure, service } });
  if (!seen || !outcome || outcome.type === 'gone')
    return failed(progress.failureOf({ exitCode: null, service, stopped: true, memory }));
  if (outcome.type === 'failed') return failed(withStep(outcome.failure, progress, memory, service));
  if (seen.pod) void letEnd(build, seen.pod);
  const { code, digest } = outcome.end;
  if (code === 'source') return failed(neverCame('The source did not reach the builder in time.'));
  if (code === 'daemon') return failed(neverCame(await daemonWords(build, seen)));
  if (code !== '0') {
    const failure = progress.failureOf({ exitCode: Number(code), service, stopped: false, memory });
    const why = failure.code === 'infrastructure_error' ? await reasonFromOutside(build) : null;
    return failed(why ? withStep(why, progress, memory, service) : failure);
  }
  if (seen.job.metadata.annotations?.[buildAnnotation.output] === 'none') return { type: 'passed' };
  if (digest === null) throw new Error(`The client of ${plan} has not told the image's digest.`);
  return { type: 'pushed', digest };
}

/** The reason that the cluster gives, with the step in which it came. */
function withStep(failure: BuildFailure, progress: EngineProgress, memory: GroupSample | null, service: string) {
  const { step, tail } = progress.failureOf({ exitCode: null, service, stopped: false, memory });
  return { ...failure, step, tail };
}

/** A client that lost its daemon knows no reason; the pod's status may, a moment later. */
async function reasonFromOutside({ options, plan, signal }: Followed): Promise<BuildFailure | null> {
  for (let tries = 0; tries < 10; tries += 1) {
    const seen = await patient(() => lookAt(options, plan), signal);
    const state = seen && podStateOf(seen, patienceOf(options));
    if (state?.state === 'failed') return state.failure;
    await sleep(200, undefined, { signal });
  }
  return null;
}

async function daemonWords({ options, signal }: Followed, { pod }: Seen): Promise<string> {
  let last = 'it said nothing.';
  if (pod) {
    const place = { ...placeIn(pod), container: container.daemon };
    const lines = options.cluster.logs(place, { tail: 1 }, signal);
    for await (const { text } of lines) last = text.slice(0, 300);
  }
  return `The BuildKit daemon of the build did not start: ${last}`;
}

function neverCame(message: string): BuildFailure {
  return buildFailure('infrastructure_error', message, { phase: 'prepare' });
}

/** All of it was read: the pod need not wait for another reader. */
async function letEnd({ options, engine }: Followed, pod: Pod): Promise<void> {
  if (engine.progress === 'log') return;
  const command = [...engine.source.shell, markSeen];
  await options.cluster.exec(placeIn(pod), command, {}, AbortSignal.timeout(10_000)).catch(() => {}); // or it ends by itself
}

/** An engine without a shell of ours leaves only its exit code, and the digest as its last words. */
function endOfLog({ exitCode, message }: Extract<PodState, { state: 'ended' }>): BuildEnd {
  return endOf(`${exitCode} ${exitCode === 0 ? message.trim() : ''}`);
}

function placeIn({ metadata }: Pod) {
  return { namespace: metadata.namespace ?? '', pod: metadata.name, container: container.build };
}

function patienceOf({ placeSeconds, startSeconds }: JobOptions) {
  return {
    placeSeconds: placeSeconds ?? defaults.placeSeconds,
    startSeconds: startSeconds ?? defaults.startSeconds,
  };
}
