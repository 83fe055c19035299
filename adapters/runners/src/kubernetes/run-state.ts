import {
  type ContainerEnd,
  containerStatus,
  type Event,
  type Job,
  type Pod,
  pullTrouble,
  ranOutOfMemory,
  startError,
} from '@eve/adapter-kubernetes';
import { PlatformError } from '@eve/domain';
import { runAnnotation, runContainer } from './run-job.ts';

/** What a cluster shows of a run. */
export interface RunLook {
  readonly job: Job;
  readonly pod: Pod | null;
  /** About the pod, or about the Job while there is none. */
  readonly events: readonly Event[];
}

export type RunState =
  | { readonly state: 'waiting' }
  | { readonly state: 'running' }
  | { readonly state: 'ended'; readonly end: ContainerEnd; readonly outOfMemory: boolean; readonly said: string | null }
  /** It will not start, once it has been so for `patienceMs`. With `isOver` nothing is to be hoped for. */
  | { readonly state: 'stuck'; readonly error: PlatformError; readonly patienceMs: number; readonly isOver: boolean }
  /** Its program has begun, as far as anybody knows, and nothing will tell how it ended. */
  | { readonly state: 'lost'; readonly error: PlatformError };

/** How a run stands. */
export function stateOf(look: RunLook): RunState {
  const { job, pod, events } = look;
  const status = containerStatus(pod, runContainer);
  const end = status?.state?.terminated;
  if (pod && end) {
    const { reason, message } = pod.status ?? {};
    const outside = reason ? `${reason}: ${message ?? ''}`.trim() : null;
    const outOfMemory = ranOutOfMemory(pod, runContainer, end, events);
    return { state: 'ended', end, outOfMemory, said: startError(end) ?? outside };
  }
  const hasFailed = job.status?.conditions?.some(({ type, status: is }) => type === 'Failed' && is === 'True') ?? false;
  if (hasFailed || pod?.status?.phase === 'Failed') {
    const why = pod?.status?.message ?? pod?.status?.reason ?? 'its pod is gone';
    const said = `${nameOf(job)} was lost by the cluster: ${why}.`;
    const hasBegun = !pod || status?.state?.running || status?.lastState?.terminated;
    if (hasBegun) return { state: 'lost', error: new PlatformError('record_changed', said) };
    return stuck(new PlatformError('engine_unavailable', said), 0, true);
  }
  if (status?.state?.running) return { state: 'running' };
  return notStarting(look) ?? { state: 'waiting' };
}

/** The number that a run ends with: the shell's own where its program was not there or may not be run. */
export function exitCodeOf(end: ContainerEnd): number {
  const said = startError(end);
  if (said === null) return end.exitCode;
  if (/permission denied/i.test(said)) return 126;
  return /no such file|not found/i.test(said) ? 127 : end.exitCode;
}

function notStarting({ job, pod, events }: RunLook): RunState | null {
  const name = nameOf(job);
  if (!pod) {
    const refused = events.findLast(({ reason }) => reason === 'FailedCreate')?.message;
    const message = refused?.replace(/^Error creating: /, '');
    return message
      ? stuck(new PlatformError('cluster_refused', `The cluster refuses ${name}: ${message}`), 3_000, true)
      : null;
  }
  const unscheduled = pod.status?.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False');
  if (unscheduled?.message) {
    const message = `No machine of the cluster takes ${name}: ${unscheduled.message}`;
    return stuck(new PlatformError('engine_unavailable', message), 30_000, false);
  }
  const waiting = containerStatus(pod, runContainer)?.state?.waiting;
  const image = pod.spec.containers.find((each) => each.name === runContainer)?.image;
  const trouble = pullTrouble(waiting, events);
  if (trouble) {
    const message = `The image ${image} of ${name} cannot be had: ${trouble.said}`;
    return trouble.why === 'outage'
      ? stuck(new PlatformError('registry_unavailable', message), 20_000, false)
      : stuck(new PlatformError('image_unknown', message), 500, true);
  }
  if (waiting?.reason === 'CreateContainerConfigError' || waiting?.reason === 'CreateContainerError') {
    const message = `The cluster cannot make the container of ${name}: ${waiting.message ?? waiting.reason}`;
    return stuck(new PlatformError('cluster_refused', message), 10_000, true);
  }
  return null;
}

function stuck(error: PlatformError, patienceMs: number, isOver: boolean): RunState {
  return { state: 'stuck', error, patienceMs, isOver };
}

function nameOf({ metadata }: Job): string {
  return metadata.annotations?.[runAnnotation] ?? metadata.name;
}
