import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Deployment, kinds } from '@eve/adapter-kubernetes';
import { kubernetesGround } from '../tests/cluster/ground.ts';
import { kubectl } from '../tests/cluster/kubectl.ts';
import { type ClusterScene, environment, outcome, withClusterScene } from './cluster-scene.ts';
import { type Figure, listed, measured, median } from './figure.ts';
import { startMixedLoad } from './mixed-load.ts';

const rounds = 5;
const deploysOfEach = 50;
const rates = { perSecond: 200, streams: 2, sockets: 2 };

/** A change of one variable by a rolling deploy, against `kubectl apply` and `kubectl rollout status` of the same pods. */
export async function clusterDeploy(): Promise<Figure[]> {
  return withClusterScene(async (scene) => {
    const { api, project } = scene;
    await api.updateEnvironment(project, environment, { settings: { strategy: 'rolling', stabilise: 0 } });
    await configured(scene, 'ready');
    const peer = await peerOf(scene);
    await byKubectl(scene, peer('ready'));
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < rounds; round++) {
      ours.push(await timed(() => configured(scene, `round-${round}`)));
      theirs.push(await timed(() => byKubectl(scene, peer(`round-${round}`))));
    }
    const [mine, bare] = [median(ours), median(theirs)];
    const detail = `ours ${listed(ours)}; kubectl apply + rollout status ${listed(theirs)}`;
    const met = mine <= 1.1 * bare;
    return [measured({ name: 'cluster-deploy', ours: mine, peer: bare, unit: 'ms', target: '≤ 1.1 ×', met, detail })];
  });
}

/** Every client's every request while revisions come, by the cluster's rolling update and by a switch. */
export async function clusterRequests(): Promise<Figure[]> {
  return withClusterScene(async (scene) => {
    const { api, project, url } = scene;
    const began = performance.now();
    const load = startMixedLoad(url, rates, kubernetesGround.hosts);
    for (const strategy of ['rolling', 'blue-green'] as const) {
      await api.updateEnvironment(project, environment, { settings: { strategy, stabilise: 0 } });
      for (let round = 0; round < deploysOfEach; round++) await configured(scene, `${strategy}-${round}`);
    }
    const { counts, errors } = await load.stop();
    const failed = Object.values(counts).reduce((sum, each) => sum + each.failed, 0);
    const seen = Object.entries(counts).map(([kind, each]) => `${kind} ${each.requests} (${each.failed} failed)`);
    const seconds = Math.round((performance.now() - began) / 1_000);
    const detail = `${deploysOfEach} rolling and ${deploysOfEach} blue-green deploys in ${seconds} s at ${rates.perSecond}/s through a Service: ${seen.join(', ')}; ${errors.join('; ')}`;
    return [
      measured({ name: 'cluster-requests', ours: failed, unit: 'failed', target: '0', met: failed === 0, detail }),
    ];
  });
}

/** From the request for a deploy whose image the nodes cannot have to its failure with the reason. */
export async function clusterFailure(): Promise<Figure[]> {
  return withClusterScene(async (scene) => {
    const { api, project, registriesDir, built } = scene;
    const commit = await built('not to be had');
    const host = registryOf(await image(scene));
    // Without this the nodes ask the registry over https, which it does not speak.
    if (registriesDir === null) throw new Error('The nodes of this cluster are not configured from here.');
    await rm(join(registriesDir, host), { recursive: true });
    const began = performance.now();
    const { deploy } = await api.requestDeploy(project, environment, { ...commit, direct: true });
    const ended = await outcome(api, deploy?.id ?? '');
    const took = performance.now() - began;
    const detail = `${ended.status}: ${ended.error?.code ?? 'no code'}, ${ended.error?.message ?? ''}`;
    const met = ended.error?.code === 'image_pull_error' && took <= 15_000;
    return [measured({ name: 'cluster-failure', ours: took, unit: 'ms', target: '≤ 15000 ms, clear', met, detail })];
  });
}

async function configured({ api, project }: ClusterScene, mark: string): Promise<void> {
  const { deploy } = await api.setConfiguration(project, environment, { set: { MARK: mark } });
  const { status, error_message: reason } = await outcome(api, deploy?.id ?? '');
  if (status !== 'healthy') throw new Error(reason ?? `The deploy is ${status}.`);
}

async function timed(act: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await act();
  return performance.now() - began;
}

async function serving({ cluster, namespace }: ClusterScene): Promise<Deployment> {
  const [there] = await cluster.list(kinds.Deployment, { namespace });
  if (!there) throw new Error('Nothing serves.');
  return there;
}

async function image(scene: ClusterScene): Promise<string> {
  return (await serving(scene)).spec.template.spec.containers[0]?.image ?? '';
}

function registryOf(reference: string): string {
  return reference.split('/')[0] ?? '';
}

/** The same pods as Eve's, under labels of their own and with their variables in the template. */
async function peerOf(scene: ClusterScene): Promise<(mark: string) => object> {
  const { spec } = await serving(scene);
  const labels = { app: 'peer' };
  return (mark) => {
    const containers = spec.template.spec.containers.map(({ envFrom: _, ...container }) => ({
      ...container,
      env: [
        { name: 'PORT', value: '3000' },
        { name: 'MARK', value: mark },
      ],
    }));
    return {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'peer', namespace: scene.namespace, labels },
      spec: {
        replicas: spec.replicas ?? 1,
        selector: { matchLabels: labels },
        strategy: spec.strategy,
        template: { metadata: { labels }, spec: { ...spec.template.spec, containers } },
      },
    };
  };
}

async function byKubectl({ namespace }: ClusterScene, deployment: object): Promise<void> {
  await kubectl(['apply', '-f', '-'], JSON.stringify(deployment));
  await kubectl(['rollout', 'status', 'deployment/peer', '-n', namespace, '--timeout=120s']);
}
