import { type Cluster, kinds, type Wanted } from '../src/index.ts';
import type { Container, Pod, PodSpec } from '../src/pod-spec.ts';

/** A pod of one container of the same name, which is not started again unless `spec` says so. */
export function testPod(
  { namespace, name }: { namespace: string; name: string },
  container: Omit<Container, 'name'>,
  spec: Partial<PodSpec> = {},
): Wanted<Pod> {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace },
    spec: {
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 1,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      containers: [{ name, ...container }],
      ...spec,
    },
  };
}

/** Makes a pod as `testPod` and waits until its container runs. */
export async function runningPod(
  cluster: Cluster,
  place: { namespace: string; name: string },
  container: Omit<Container, 'name'>,
  spec: Partial<PodSpec> = {},
): Promise<Pod> {
  await cluster.create(kinds.Pod, testPod(place, container, spec));
  return podOnce(cluster, place, ({ status }) => status?.containerStatuses?.[0]?.state?.running !== undefined);
}

/** The pod once it is as wanted. Throws when that takes more than a minute. */
export async function podOnce(
  cluster: Cluster,
  { namespace, name }: { namespace: string; name: string },
  isWanted: (pod: Pod) => boolean,
): Promise<Pod> {
  let last: Pod | null = null;
  const signal = AbortSignal.timeout(60_000);
  try {
    for await (const { type, object } of cluster.watch(
      kinds.Pod,
      { namespace, fields: `metadata.name=${name}` },
      signal,
    )) {
      last = object;
      if (type !== 'removed' && isWanted(object)) return object;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  throw new Error(`Pod ${name} is not as wanted: ${JSON.stringify(last?.status)}`);
}
