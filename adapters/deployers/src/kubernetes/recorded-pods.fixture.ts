import type { ContainerState, ContainerStatus, Event, Pod, PodStatus } from '@eve/adapter-kubernetes';

// What a cluster of version 1.36 with containerd 1.6 told of pods that were made wrong on purpose, names and times shortened.

export const image = '10.244.0.1:5000/nothing/here@sha256:0000';
const at = '2026-11-21T21:14:43Z';

/** A pod of one container in this state. */
export function podWith(
  state: ContainerState,
  more: {
    restarts?: number;
    last?: ContainerState;
    status?: PodStatus;
    container?: Partial<Pod['spec']['containers'][0]>;
  } = {},
): Pod {
  const status: ContainerStatus = {
    name: 'app',
    ready: false,
    restartCount: more.restarts ?? 0,
    image,
    state,
    ...(more.last && { lastState: more.last }),
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web-7d6f-ttq7z', namespace: 'shop', uid: 'pod-uid', creationTimestamp: at },
    spec: { restartPolicy: 'Always', containers: [{ name: 'app', image, ...more.container }] },
    status: { phase: 'Pending', containerStatuses: [status], ...more.status },
  };
}

/** An event about that pod. */
export function told(reason: string, message: string, more: Partial<Event> = {}): Event {
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: 'web.1', namespace: 'shop' },
    type: 'Warning',
    reason,
    message,
    firstTimestamp: at,
    lastTimestamp: at,
    involvedObject: { kind: 'Pod', name: 'web-7d6f-ttq7z', uid: 'pod-uid' },
    ...more,
  };
}

export const waiting = (reason: string, message?: string): ContainerState => ({ waiting: { reason, message } });
export const ended = (exitCode: number, reason: string, message?: string): ContainerState => ({
  terminated: { exitCode, reason, message, startedAt: at, finishedAt: at },
});
export const running: ContainerState = { running: { startedAt: at } };

/** A pod that no machine takes. */
export function unscheduledPod(message: string): Pod {
  const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }] as const;
  return podWith({}, { status: { phase: 'Pending', containerStatuses: [], conditions } });
}
