import { homedir } from 'node:os';
import { join } from 'node:path';
import { buildkitBuilder, kanikoBuilder, kubernetesBuilder } from '@eve/adapter-builders';
import { kubernetesDeployer } from '@eve/adapter-deployers';
import { type Cluster, type KubeconfigPlace, kinds, kubernetesCluster, quantity } from '@eve/adapter-kubernetes';
import { kubernetesRouter } from '@eve/adapter-routers';
import { kubernetesRunner } from '@eve/adapter-runners';
import type { Capacity } from '@eve/domain';
import type { Log } from '@eve/operations';
import type { Config } from './config.ts';
import type { Runtime, RuntimeOptions } from './docker-runtime.ts';

/** Builds and runs in a Kubernetes cluster: nothing of it needs a Docker engine. */
export async function kubernetesRuntime(
  { config, installation, workDir, insecureHosts, variables, buildkit, now, log }: RuntimeOptions,
  { registryHost, publicUrl }: { readonly registryHost: string | null; readonly publicUrl: string },
): Promise<Runtime & { readonly machine: Capacity | null }> {
  const cluster = await kubernetesCluster(kubeconfigPlace(config));
  const namespace = config.EVE_KUBERNETES_BUILD_NAMESPACE;
  const [gatewayNamespace = '', gatewayName] = config.EVE_KUBERNETES_GATEWAY?.split('/') ?? [];
  const outside = new URL(publicUrl).protocol === 'https:' ? 'https' : 'http';
  const jobs = { cluster, namespace, installation, workDir, insecureHosts };
  const builder = buildkit
    ? buildkitBuilder({ ...buildkit, workDir, insecureHosts, variables })
    : kubernetesBuilder({
        ...jobs,
        image: config.EVE_BUILDKIT_IMAGE,
        privileged: config.EVE_BUILDKIT_PRIVILEGED,
        mirror: config.EVE_DOCKER_HUB_MIRROR ?? null,
      });
  return {
    machine: await largestNode(cluster, log),
    builders: {
      buildkit: builder,
      ...(config.EVE_KANIKO_IMAGE && { kaniko: kanikoBuilder({ ...jobs, image: config.EVE_KANIKO_IMAGE }) }),
    },
    deployer: kubernetesDeployer({ cluster, installation, now, ownRegistryHost: registryHost }),
    router: await kubernetesRouter({
      ...{ cluster, installation, namespace, outside },
      ingressClass: config.EVE_KUBERNETES_INGRESS_CLASS ?? null,
      gateway: gatewayName === undefined ? null : { namespace: gatewayNamespace, name: gatewayName },
    }),
    runner: kubernetesRunner({ cluster, installation, namespace }),
  };
}

/** No build can use more than one node has. Null where the cluster does not answer yet: then only the tenants' limits hold. */
async function largestNode(cluster: Cluster, log: Log): Promise<Capacity | null> {
  const nodes = await cluster.list(kinds.Node, {}).catch((error: unknown) => {
    log.warn({ error: String(error) }, 'the nodes of the cluster could not be read: builds are not bounded by them');
    return [];
  });
  const capacities = nodes.flatMap(({ status }) => {
    const { cpu, memory } = status?.allocatable ?? {};
    return cpu && memory ? [{ cpus: quantity(cpu), memoryBytes: quantity(memory) }] : [];
  });
  return capacities.toSorted((a, b) => b.memoryBytes - a.memoryBytes)[0] ?? null;
}

/** Where the cluster is described: as the operator says, else where somebody who works with kubectl has it. */
export function kubeconfigPlace({ EVE_KUBECONFIG, KUBECONFIG }: Config): KubeconfigPlace {
  const otherwise = [...(KUBECONFIG ? [KUBECONFIG] : []), join(homedir(), '.kube', 'config')];
  return { kubeconfig: EVE_KUBECONFIG ?? null, otherwise };
}
