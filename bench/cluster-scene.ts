import { join } from 'node:path';
import { kinds, kubernetesCluster, label, selector } from '@eve/adapter-kubernetes';
import { testCluster } from '@eve/adapter-process/testing';
import type { EveClient } from '@eve/protocol-rest/client';
import { kubernetesGround } from '../tests/cluster/ground.ts';
import { installation } from '../tests/journeys/installation.ts';
import { build } from './deploys.ts';
import { benchRepository, manifest, serviceFiles } from './repository.ts';

/** An Eve on this machine whose revisions run in the cluster of the run, with the tiny service deployed in it. */
export interface ClusterScene {
  readonly cluster: Awaited<ReturnType<typeof kubernetesCluster>>;
  readonly kubeconfig: string;
  readonly registriesDir: string | null;
  readonly api: EveClient;
  readonly project: string;
  /** Where its environment runs, and where this machine reaches the service. */
  readonly namespace: string;
  readonly url: string;
  /** Builds a version; answers with its commit. */
  built(version: string): Promise<{ git_sha: string; manifest_hash: string }>;
}

export const environment = 'test';

/** Makes the scene for one bench; throws with the reason where there is no cluster. */
export async function withClusterScene<Result>(act: (scene: ClusterScene) => Promise<Result>): Promise<Result> {
  const test = await testCluster();
  if ('missing' in test) throw new Error(`${test.missing}.`);
  await using eve = await installation(await kubernetesGround.settings());
  const started = await eve.start('Eve is ready', '--no-example');
  try {
    const api = await eve.client();
    const directory = join(eve.dataDir, 'bench', 'repository');
    const repository = await benchRepository(directory);
    await repository.commit(serviceFiles('0'));
    const { id: project } = await api.ensureProject({ name: 'bench', slug: 'bench', repo_url: directory });
    const built = async (version: string) => {
      const sha = await repository.commit({ ...serviceFiles(version), '.eve/manifest.yaml': manifest });
      const { manifest_hash } = await api.syncManifest(project, { yaml: manifest, git_sha: sha });
      const commit = { git_sha: sha, manifest_hash };
      await build(api, project, commit);
      return commit;
    };
    await deployed(api, project, await built('1'));
    const cluster = await kubernetesCluster({ kubeconfig: test.kubeconfig });
    const status = await api.environmentStatus(project, environment);
    const labels = selector({ [label.environment]: status.environment.id });
    const [place] = await cluster.list(kinds.Namespace, { labels });
    if (!place) throw new Error('The environment has no namespace.');
    const url = await kubernetesGround.urlOf(api, project, environment, 'web');
    const { kubeconfig, registriesDir } = test;
    const namespace = place.metadata.name;
    return await act({ cluster, kubeconfig, registriesDir, api, project, namespace, url, built });
  } finally {
    await started.interrupt();
  }
}

/** Deploys what was built, and waits until it is healthy. */
export async function deployed(
  api: EveClient,
  project: string,
  commit: { readonly git_sha: string; readonly manifest_hash: string },
): Promise<void> {
  const { deploy } = await api.requestDeploy(project, environment, { ...commit, direct: true });
  if (!deploy) throw new Error('The request made no deploy.');
  if ((await outcome(api, deploy.id)).status !== 'healthy') throw new Error('The deploy did not become healthy.');
}

/** A deploy when it has ended. */
export async function outcome(api: EveClient, id: string): Promise<Awaited<ReturnType<EveClient['getDeploy']>>> {
  for (;;) {
    const deploy = await api.getDeploy(id);
    if (deploy.completed_at !== null) return deploy;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
