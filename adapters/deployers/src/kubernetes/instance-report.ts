import { annotation, kinds, label, selector } from '@eve/adapter-kubernetes';
import { DeployFailed, type DeployId, type InstanceReport } from '@eve/domain';
import type { KubernetesSettings } from './context.ts';
import { instanceOf, isLeaving } from './instance.ts';
import { eventsAbout } from './looks.ts';
import { printed } from './pod-failed.ts';
import { eventsOf } from './pod-failure.ts';
import { asResults, failedProbes } from './probe-events.ts';

/** The same failure with every instance that its deploy had started, as it is now. */
export async function withInstances(
  { cluster, installation }: Pick<KubernetesSettings, 'cluster' | 'installation'>,
  namespace: string,
  deployId: DeployId,
  failed: DeployFailed,
): Promise<DeployFailed> {
  const labels = selector({ [label.installation]: installation, [label.slot]: true });
  const pods = await cluster.list(kinds.Pod, { namespace, labels });
  const started = pods.filter((pod) => !isLeaving(pod) && pod.metadata.annotations?.[annotation.deploy] === deployId);
  const instances = await Promise.all(
    started.map(async (pod): Promise<InstanceReport> => {
      const { name: instance, service, state, restarts } = instanceOf(pod, false);
      const events = eventsOf(pod, await eventsAbout(cluster, pod));
      const probes = asResults(failedProbes(pod, events));
      return { instance, service, state, restarts, probes, logs: await printed(cluster, pod) };
    }),
  );
  return new DeployFailed({ ...failed.failure, instances }, { cause: failed.cause });
}
