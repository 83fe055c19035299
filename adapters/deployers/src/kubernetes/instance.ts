import { annotation, type ContainerStatus, label, type Pod } from '@eve/adapter-kubernetes';
import type { DeployId } from '@eve/domain';
import type { Instance } from '@eve/operations';

/** The name of the one container of an instance that is the service's own; an admission webhook may add others. */
export const mainContainer = 'app';

/** A pod as the instance that it is; `named` is what its service's name resolves to by now, `alike` are digests that mean the same as the pod's. */
export function instanceOf(pod: Pod, named: boolean, alike: readonly string[] = []): Instance {
  const { name, labels = {}, annotations = {} } = pod.metadata;
  const container = pod.spec.containers.find((each) => each.name === mainContainer);
  const status = mainStatus(pod);
  const host = pod.status?.podIP;
  return {
    name,
    service: labels[label.service] ?? '',
    // Written by ourselves as a deploy's id.
    deployId: (annotations[annotation.deploy] ?? '') as DeployId,
    hash: annotations[annotation.hash] ?? '',
    ports: host ? (container?.ports ?? []).map(({ containerPort: port }) => ({ container: port, host, port })) : [],
    named,
    state: stateOf(pod),
    restarts: status?.restartCount ?? 0,
    digests: [...new Set([...digestsOf(status), ...alike])],
    startedAt: status?.state?.running?.startedAt ? new Date(status.state.running.startedAt) : null,
  };
}

/** What the kubelet says of the service's own container; undefined before the pod is on a node. */
export function mainStatus({ status }: Pick<Pod, 'status'>): ContainerStatus | undefined {
  return status?.containerStatuses?.find(({ name }) => name === mainContainer);
}

/** Whether it is on its way out: nothing new reaches it, and it is an instance no more. */
export function isLeaving({ metadata }: Pick<Pod, 'metadata'>): boolean {
  return metadata.deletionTimestamp !== undefined;
}

export function isReady({ status }: Pick<Pod, 'status'>): boolean {
  return status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') ?? false;
}

/** `restarting` also stands for one that has not run yet: the cluster tries on its own. */
function stateOf(pod: Pod): Instance['state'] {
  const { phase } = pod.status ?? {};
  if (phase === 'Succeeded' || phase === 'Failed') return 'exited';
  return mainStatus(pod)?.state?.running ? 'running' : 'restarting';
}

/** An image id is `host/repository@sha256:…`, or `sha256:…` alone for one that was imported; its name may be its configuration's digest. */
function digestsOf(status: ContainerStatus | undefined): string[] {
  return [status?.imageID, status?.image].flatMap((name) => digestIn(name) ?? []);
}

/** The digest at the end of an image's name. */
export function digestIn(name = ''): string | null {
  return /sha256:[a-f0-9]{64}$/.exec(name)?.[0] ?? null;
}
