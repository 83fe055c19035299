import { type Cluster, kinds, namespaceOf } from '@eve/adapter-kubernetes';
import type { Deployer, DeployTarget, Lease } from '@eve/operations';
import { apply } from './bring-up.ts';
import { changes } from './changes.ts';
import type { KubernetesSettings, VolumeSettings } from './context.ts';
import { findStrays, removeEnvironment, removeStray } from './environments.ts';
import { instanceLogs, lastLines, podOf } from './instance-logs.ts';
import { localImage } from './local-image.ts';
import { plan } from './plan.ts';
import { probe } from './probe.ts';
import { removeInstances } from './remove.ts';
import { roll } from './roll.ts';
import { serve } from './serve.ts';
import { instancesOf, readStanding } from './standing.ts';
import { unsupported } from './unsupported.ts';

export interface KubernetesDeployerOptions {
  readonly cluster: Cluster;
  /** Tells this installation's objects from another one's in the same cluster. */
  readonly installation: string;
  readonly now: () => Date;
  /** The host of Eve's own registry, as in its logins; null without one. */
  readonly ownRegistryHost: string | null;
  /** No service is given up earlier than this, whatever its checks say. */
  readonly minimumDeadlineMs?: number;
  readonly volumes?: Partial<VolumeSettings>;
}

/** Runs revisions as Deployments of a Kubernetes cluster, each environment in a namespace of its own. */
export function kubernetesDeployer(options: KubernetesDeployerOptions): Deployer {
  const { cluster, installation, now, ownRegistryHost, minimumDeadlineMs = 60_000 } = options;
  const settings: KubernetesSettings = {
    cluster,
    installation,
    now,
    ownRegistryHost,
    minimumDeadlineMs,
    volumes: { size: '10Gi', storageClass: null, ...options.volumes },
  };
  const act = (target: DeployTarget, lease: Lease) => ({ target, lease, namespace: namespaceOf(target.place) });
  const silent = () => undefined;
  return {
    name: 'kubernetes',
    unsupported,
    plan: (target) => plan(settings, target, namespaceOf(target.place)),
    apply: (target, lease, signal, upTo) => apply(settings, act(target, lease), signal, upTo),
    serve: (target, instances, lease, signal) =>
      serve({ ...settings, ...act(target, lease), signal, report: silent }, instances),
    probe: (wanted, instance, signal) => probe(settings, wanted, instance, signal),
    exchange: { by: 'rolling', roll: (target, lease, signal) => roll(settings, act(target, lease), signal) },
    observe: async (environmentId) => instancesOf(await readStanding(cluster, { installation, environmentId })),
    remove: (instances, signal) => removeInstances(settings, instances, signal),
    logs: ({ name }, asked, signal) => instanceLogs(settings, name, asked, signal),
    async tail({ name }, lines) {
      const pod = await podOf(settings, name);
      return pod ? lastLines(cluster, pod, lines) : [];
    },
    removeEnvironment: (id, asked, signal) => removeEnvironment(settings, id, asked, signal),
    localImage: async (reference) => localImage(await cluster.list(kinds.Node, {}), reference),
    // Machines collect their images themselves.
    images: async () => [],
    removeImage: async () => false,
    strays: (environments) => findStrays(settings, environments),
    removeStray: (stray, signal) => removeStray(settings, stray, signal),
    changes: (signal) => changes(settings, signal),
  };
}
