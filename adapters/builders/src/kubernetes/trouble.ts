import type { ContainerStatus, Event, Job, Pod } from '@eve/adapter-kubernetes';
import { type BuildFailure, buildFailure } from '@eve/domain';
import { container } from './place.ts';

/** What the cluster shows of one build. */
export interface Seen {
  readonly job: Job;
  readonly pod: Pod | null;
  /** About the Job and its pod; only looked at while the pod does not run. */
  readonly events: readonly Event[];
  readonly at: Date;
}

export interface Patience {
  readonly placeSeconds: number;
  readonly startSeconds: number;
}

/** How far a build's pod is. */
export type PodState =
  | { readonly state: 'waiting' }
  /** The container that a build ends with runs. */
  | { readonly state: 'running' }
  | { readonly state: 'ended'; readonly exitCode: number; readonly message: string }
  | { readonly state: 'failed'; readonly failure: BuildFailure };

/** Tells a build that still waits from one that never will start, and says why one was ended from outside. */
export function podStateOf(seen: Seen, patience: Patience): PodState {
  const { job, pod } = seen;
  const outside = endedFromOutside(seen);
  if (outside) return { state: 'failed', failure: outside };
  const status = pod?.status?.containerStatuses?.find(({ name }) => name === container.build);
  const ended = status?.state?.terminated;
  if (ended) return { state: 'ended', exitCode: ended.exitCode, message: ended.message ?? '' };
  if (status?.state?.running) return { state: 'running' };
  const isOver = job.status?.conditions?.some(({ type, status: is }) => type === 'Failed' && is === 'True');
  const failure =
    (pod ? notStarting(pod, seen, patience) : notMade(seen, patience)) ??
    (isOver ? builderLost('its pod is gone') : null);
  return failure ? { state: 'failed', failure } : { state: 'waiting' };
}

function endedFromOutside({ job, pod }: Seen): BuildFailure | null {
  const failed = job.status?.conditions?.find(({ type, status }) => type === 'Failed' && status === 'True');
  if (failed?.reason === 'DeadlineExceeded' || pod?.status?.reason === 'DeadlineExceeded')
    return buildFailure('timeout_error', 'The build took longer than builds of this installation may at all.', {
      phase: 'build',
    });
  const { reason, message } = pod?.status ?? {};
  if (reason === 'Evicted') return evicted(message ?? '');
  const disrupted = pod?.status?.conditions?.find(
    ({ type, status }) => type === 'DisruptionTarget' && status === 'True',
  );
  if (disrupted?.reason === 'TerminationByKubelet') return evicted(disrupted.message ?? '');
  if (disrupted || reason === 'NodeLost' || reason === 'NodeShutdown' || reason === 'Terminated')
    return builderLost(disrupted?.message ?? message ?? 'its node is lost', 'temporary_resource');
  const oom = [...(pod?.status?.initContainerStatuses ?? []), ...(pod?.status?.containerStatuses ?? [])].find(
    isOutOfMemory,
  );
  return oom ? outOfMemory(oom.name, pod) : null;
}

function isOutOfMemory({ state, lastState }: ContainerStatus): boolean {
  return [state, lastState].some((it) => it?.terminated?.reason === 'OOMKilled');
}

function outOfMemory(name: string, pod: Pod | null): BuildFailure {
  const all = [...(pod?.spec.initContainers ?? []), ...(pod?.spec.containers ?? [])];
  const limit = all.find((it) => it.name === name)?.resources?.limits?.memory;
  const of = limit === undefined ? '' : ` of ${memoryText(limit)}`;
  const hint = `The build ran out of memory${of}: make it use less, or raise \`build.resources.memory\` as far as your organisation may.`;
  return buildFailure('resource_error', `The build was ended for its memory${of}: out of memory`, {
    phase: 'build',
    hint,
  });
}

function memoryText(quantity: string): string {
  return /^\d+$/.test(quantity) ? `${Math.ceil(Number(quantity) / 1_048_576)} MiB` : quantity;
}

function evicted(message: string): BuildFailure {
  const hint = 'The node ran out of disk or memory: free some, or give builds nodes of their own.';
  return buildFailure('resource_error', `The build's pod was evicted from its node: ${message.trim()}`, {
    ...{ phase: 'build', hint },
    retryClass: 'temporary_resource',
  });
}

/** Nothing is wrong with the build: what carried it out went away. */
export function builderLost(why: string, retryClass: 'temporary_resource' | null = null): BuildFailure {
  return buildFailure('infrastructure_error', `The builder was lost: ${why}`, { phase: 'build', retryClass });
}

const fatalImage = new Set(['InvalidImageName', 'ErrImageNeverPull', 'ImagePullBackOff', 'ImageInspectError']);
const fatalStart = new Set(['CreateContainerError', 'RunContainerError', 'StartError', 'CrashLoopBackOff']);

/** Why a pod that is there does not start, once it is clear that it will not. */
function notStarting(pod: Pod, seen: Seen, { placeSeconds, startSeconds }: Patience): BuildFailure | null {
  const age = secondsSince(pod.metadata.creationTimestamp, seen.at);
  const unplaced = pod.status?.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False');
  if (unplaced) return age < placeSeconds ? null : unschedulable(unplaced.message ?? '');
  for (const { name, state, lastState } of allStatuses(pod)) {
    const { reason = '', message = '' } = state?.waiting ?? {};
    if (fatalImage.has(reason))
      return infrastructure(`The builder's image cannot be pulled: ${message || reason}`, imageHint);
    if (fatalStart.has(reason)) {
      const why = lastState?.terminated?.message || message || reason;
      return infrastructure(`The builder's container ${name} does not start: ${why}`);
    }
  }
  if (age < startSeconds) return null;
  const [newest] = warnings(seen);
  return infrastructure(
    `The builder's pod did not start within ${startSeconds} s: ${newest ?? 'its node says nothing'}`,
  );
}

const imageHint = 'Check the name of the image in EVE_BUILDKIT_IMAGE, and that nodes may pull it.';

function unschedulable(message: string): BuildFailure {
  const hint = 'Wait for other builds to end, lower `build.resources`, or add nodes to the cluster.';
  return buildFailure('resource_error', `No node has a place for the build: ${message}`, {
    ...{ phase: 'build', hint },
    retryClass: 'temporary_resource',
  });
}

/** Why a Job has no pod: the API server refuses it again and again. */
function notMade(seen: Seen, { startSeconds }: Patience): BuildFailure | null {
  const refused = seen.events.findLast(({ reason }) => reason === 'FailedCreate')?.message;
  if (refused === undefined) {
    if (secondsSince(seen.job.metadata.creationTimestamp, seen.at) < startSeconds) return null;
    return infrastructure(`Kubernetes made no pod for the build within ${startSeconds} s.`);
  }
  if (/exceeded quota|failed quota|must specify/.test(refused)) {
    const hint = 'Wait for other builds to end, or raise the quota of the namespace that builds run in.';
    return buildFailure('resource_error', `The namespace of builds has no room for this one: ${refused}`, {
      ...{ phase: 'build', hint },
      retryClass: 'temporary_resource',
    });
  }
  const hint = /violates PodSecurity/.test(refused)
    ? 'The namespace of builds allows less than the builder needs: see its label pod-security.kubernetes.io/enforce.'
    : undefined;
  return infrastructure(`Kubernetes refuses the build's pod: ${refused}`, hint);
}

function infrastructure(message: string, hint?: string): BuildFailure {
  return buildFailure('infrastructure_error', message, { phase: 'build', ...(hint !== undefined && { hint }) });
}

function allStatuses({ status }: Pod): readonly ContainerStatus[] {
  return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
}

function warnings({ events }: Seen): string[] {
  return events.flatMap(({ type, message }) => (type === 'Warning' && message ? [message] : [])).reverse();
}

function secondsSince(time: string | undefined, at: Date): number {
  return time === undefined ? 0 : (at.getTime() - Date.parse(time)) / 1000;
}
