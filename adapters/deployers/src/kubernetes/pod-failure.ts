import type { ContainerStatus, Event, Pod } from '@eve/adapter-kubernetes';
import { exitSuspicion } from './exit-suspicion.ts';
import { isLeaving, isReady } from './instance.ts';
import { timesOf } from './probe-events.ts';
import { pullSuspicion } from './pull-suspicion.ts';
import type { Suspicion } from './suspicion.ts';

/** What is wrong with a pod that should become ready, as far as it and its events tell; null while nothing is. */
export function podFailure(service: string, pod: Pod, events: readonly Event[]): Suspicion | null {
  if (isLeaving(pod) || isReady(pod)) return null;
  const own = eventsOf(pod, events);
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
  return (
    endedFailure(service, pod) ??
    unscheduled(service, pod, own) ??
    firstOf([...initContainerStatuses, ...containerStatuses], (status) =>
      containerFailure(service, pod, status, own),
    ) ??
    unprepared(service, pod, own) ??
    nodeFailure(service, pod, own)
  );
}

/** Events about one pod, oldest first. */
export function eventsOf({ metadata: { uid, name } }: Pod, events: readonly Event[]): Event[] {
  return events
    .filter(({ involvedObject: about }) => about.kind === 'Pod' && about.name === name && (!uid || about.uid === uid))
    .toSorted((a, b) => timesOf(a)[1].getTime() - timesOf(b)[1].getTime());
}

/** A whole pod that the cluster has ended; its Deployment makes another one, which may meet the same. */
function endedFailure(service: string, { metadata: { name }, status = {} }: Pod): Suspicion | null {
  const { phase, reason = '', message = '' } = status;
  const said = message.trim() ? `: ${message.trim()}` : '.';
  if (phase === 'Unknown' || reason === 'NodeLost') return lostNode(service, `the machine of ${name} is lost${said}`);
  const disrupted = status.conditions?.find((each) => each.type === 'DisruptionTarget' && each.status === 'True');
  if (disrupted?.reason === 'DeletionByTaintManager') return lostNode(service, `${name} lost its machine.`);
  if (phase !== 'Failed') return null;
  switch (reason) {
    case 'Evicted':
      return {
        code: 'resource_error',
        message: `The cluster evicted ${service}${said}`,
        hint: 'It used more disk or memory than it may or than its machine has: raise its limits, or free some.',
        patienceMs: 0,
      };
    case 'DeadlineExceeded':
      return {
        code: 'container_exited',
        message: `${service} was ended because it ran longer than it may${said}`,
        hint: 'A service has to run for as long as it serves: something sets activeDeadlineSeconds on its pods.',
        patienceMs: 0,
      };
    case 'OutOfcpu':
    case 'OutOfmemory':
    case 'OutOfpods':
    case 'OutOfephemeral-storage':
    case 'NodeAffinity':
      return { ...unschedulable(service, `its machine refused it (${reason})${said}`), patienceMs: 5_000 };
    case 'NodeShutdown':
    case 'Terminated':
    case 'Shutdown':
    case 'Preempting':
      return lostNode(service, `${name} was ended with its machine (${reason})${said}`);
  }
  return null;
}

function unscheduled(service: string, { status }: Pod, events: readonly Event[]): Suspicion | null {
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status !== 'False') return null;
  const told = events.findLast(({ reason }) => reason === 'FailedScheduling');
  const said = scheduled.message ?? told?.message;
  if (!said) return null;
  // A machine is on its way.
  const grows = events.some(({ reason = '' }) => reason === 'TriggeredScaleUp' || reason === 'Nominated');
  return { ...unschedulable(service, said), patienceMs: grows ? 600_000 : 5_000 };
}

function unschedulable(service: string, said: string): Suspicion {
  const claim = /persistentvolumeclaim/i.test(said);
  return {
    code: 'unschedulable',
    message: `No machine of the cluster takes ${service}: ${said}`,
    hint: claim
      ? 'Its volume cannot be had: the cluster needs a storage class that makes volumes, and room for them.'
      : 'Free room, lower what the service asks for in `deploy.resources`, or add a machine to the cluster.',
    patienceMs: 5_000,
  };
}

function containerFailure(
  service: string,
  pod: Pod,
  status: ContainerStatus,
  events: readonly Event[],
): Suspicion | null {
  const waiting = status.state?.waiting;
  const container = [...(pod.spec.initContainers ?? []), ...pod.spec.containers].find(
    ({ name }) => name === status.name,
  );
  if (!waiting) return exitSuspicion(service, pod, status, events);
  const said = waiting.message ?? waiting.reason ?? '';
  switch (waiting.reason) {
    case 'CreateContainerConfigError': {
      const missing = /(secret|configmap) "[^"]*" not found|couldn't find key/i.test(said);
      return {
        code: missing ? 'secret_missing' : 'engine_error',
        message: `The cluster cannot make the container of ${service}: ${said}`,
        hint: missing
          ? 'Somebody removed it, or a setting of the cluster names it: deploy again, which makes what is Eve’s.'
          : /runAsNonRoot/.test(said)
            ? 'The namespace wants programs that do not run as root: give the service a numeric `user`.'
            : 'The words are the kubelet’s own.',
        // A kubelet that is busy has not read it yet.
        patienceMs: /failed to sync \w+ cache/.test(said) ? 30_000 : 2_000,
      };
    }
    case 'CreateContainerError':
    case 'PreCreateHookError':
    case 'PreStartHookError':
    case 'PostStartHookError':
      return {
        code: 'engine_error',
        message: `The cluster cannot start the container of ${service}: ${said}`,
        hint: 'The words are the container runtime’s own; the log of the kubelet may say more.',
        patienceMs: 5_000,
      };
  }
  return (
    pullSuspicion(service, container?.image ?? status.image ?? '', waiting, events) ??
    exitSuspicion(service, pod, status, events)
  );
}

/** What keeps a pod that has its machine from being made there. */
function unprepared(service: string, pod: Pod, events: readonly Event[]): Suspicion | null {
  const waits = pod.status?.containerStatuses?.every(({ state }) => state?.waiting?.reason === 'ContainerCreating');
  const last = events.findLast(({ reason, type }) => type === 'Warning' && stumbling.includes(reason ?? ''));
  if (!waits || !last) return null;
  return {
    code: 'engine_error',
    message: `The machine cannot make the pod of ${service}: ${last.message ?? last.reason}`,
    hint: 'Its volumes, network or configuration are missing there: the words are the kubelet’s own.',
    patienceMs: 20_000,
  };
}

const stumbling = ['FailedMount', 'FailedAttachVolume', 'FailedCreatePodSandBox', 'FailedMapVolume', 'FailedBinding'];

function nodeFailure(service: string, pod: Pod, events: readonly Event[]): Suspicion | null {
  const last = events.at(-1);
  return last?.reason === 'NodeNotReady'
    ? lostNode(service, `the machine of ${pod.metadata.name} does not answer.`)
    : null;
}

/** It may come back, or another machine takes its pods. */
function lostNode(service: string, why: string): Suspicion {
  return {
    code: 'infrastructure_error',
    message: `${service} could not come up: ${why}`,
    hint: 'Nothing is wrong with your code: a machine of the cluster was lost. Deploy again.',
    patienceMs: 30_000,
  };
}

function firstOf<Item, Answer>(items: readonly Item[], ask: (item: Item) => Answer | null): Answer | null {
  for (const item of items) {
    const answer = ask(item);
    if (answer !== null) return answer;
  }
  return null;
}
