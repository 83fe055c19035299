import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, testCluster } from '@eve/adapter-process/testing';
import { z } from 'zod';
import type { Ground } from '../journeys/ground.ts';
import { kubectl } from './kubectl.ts';
import { plainRegistry } from './settings.ts';

const Services = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      spec: z.object({ clusterIP: z.string(), ports: z.array(z.object({ port: z.number() })) }),
    }),
  ),
});
const Pods = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      status: z.object({ phase: z.string() }),
    }),
  ),
});

/** The cluster of the test run, with an Eve on this machine as somebody who develops on a local cluster has it. */
export const kubernetesGround: Ground = {
  name: 'kubernetes',
  // Load goes to pods of a cluster that the test run itself has made.
  hosts: process.env.EVE_TEST_CLUSTER ? /^10\.\d+\.\d+\.\d+$/ : /^$/,
  async settings() {
    const cluster = await testCluster();
    if ('missing' in cluster) throw new Error(cluster.missing);
    const { kubeconfig, registry, buildkitImage, registriesDir } = cluster;
    const [address = ''] = registry.split(':');
    const ownRegistry = `${address}:${await freePort()}`;
    if (registriesDir !== null) {
      const directory = join(registriesDir, ownRegistry);
      await mkdir(directory, { recursive: true });
      await writeFile(join(directory, 'hosts.toml'), plainRegistry(ownRegistry));
    }
    return {
      EVE_DEPLOYER: 'kubernetes',
      EVE_KUBECONFIG: kubeconfig,
      EVE_LISTEN: `${address}:${await freePort()}`,
      EVE_REGISTRY_HOST: ownRegistry,
      EVE_DOCKER_HUB_MIRROR: registry,
      EVE_BUILDKIT_IMAGE: buildkitImage,
      EVE_BUILDKIT_INSECURE_REGISTRIES: `${ownRegistry},${registry}`,
      EVE_KUBERNETES_BUILD_NAMESPACE: `eve-builds-${randomBytes(3).toString('hex')}`,
    };
  },
  async urlOf(client, project, environment, service) {
    const status = await client.environmentStatus(project, environment);
    const name = service ?? status.services[0]?.name ?? '';
    const labels = `eve.dev/environment=${status.environment.id},eve.dev/service=${name}`;
    const { items } = Services.parse(JSON.parse(await kubectl(['get', 'services', '-A', '-o', 'json', '-l', labels])));
    const spec = items.find(({ metadata }) => metadata.name === `${name}-public`)?.spec;
    if (!spec) throw new Error(`Service ${name} has no outer Service in the cluster.`);
    return `http://${spec.clusterIP}:${spec.ports[0]?.port ?? 80}`;
  },
  async running(_eve, environmentId) {
    const labels = `eve.dev/environment=${environmentId},eve.dev/slot`;
    const { items } = Pods.parse(JSON.parse(await kubectl(['get', 'pods', '-A', '-o', 'json', '-l', labels])));
    // Also those on their way out: they answer on connections that are open.
    return items.filter(({ status }) => status.phase === 'Running').map(({ metadata }) => metadata.name);
  },
};
