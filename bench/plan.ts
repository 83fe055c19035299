import { createHash } from 'node:crypto';
import { deployVersion } from './deploys.ts';
import { type Figure, listed, measured, median } from './figure.ts';
import type { Scene } from './scene.ts';

const services = 50;
const rounds = 9;

/** What a dry run of a deploy of many services takes, beside one of a single service. */
export async function plan(scene: Scene): Promise<Figure[]> {
  const { api } = await scene.eve();
  const { id: project } = await scene.project();
  await deployVersion(scene, `plan-${Date.now()}`);
  const image = `${await scene.registryHost()}/local/bench/web:local`;
  const one = await commitOf(scene, image, 1);
  const many = await commitOf(scene, image, services);

  const ours: number[] = [];
  const peer: number[] = [];
  for (let round = 0; round < rounds; round++) {
    ours.push(await timed(() => api.planDeploy(project, 'test', { ...many, direct: true })));
    peer.push(await timed(() => api.planDeploy(project, 'test', { ...one, direct: true })));
  }
  const planned = await api.planDeploy(project, 'test', { ...many, direct: true });
  const started = planned.services.filter(({ kind }) => kind === 'start').length;
  const detail = `${started} services to start; ${listed(ours)}; of one service: ${listed(peer)}`;
  const met = median(ours) <= 1_000 && started === services;
  const figure = { name: 'plan', ours: median(ours), peer: median(peer), unit: 'ms', target: '≤ 1000 ms', met, detail };
  return [measured(figure)];
}

/** A commit whose manifest has so many services of one image that is there already. */
async function commitOf(
  scene: Scene,
  image: string,
  count: number,
): Promise<{ git_sha: string; manifest_hash: string }> {
  const { api } = await scene.eve();
  const { id, repository } = await scene.project();
  const entries = Array.from(
    { length: count },
    (_, index) => `  web-${index}:\n    image: ${image}\n    ports: [3000]\n    environment: { NUMBER: "${index}" }\n`,
  );
  const yaml = `name: bench\nregistry: eve\nservices:\n${entries.join('')}environments:\n  test: { stabilise: 0s }\n`;
  const sha = await repository.commit({ '.eve/manifest.yaml': yaml });
  await api.syncManifest(id, { yaml, git_sha: sha });
  return { git_sha: sha, manifest_hash: createHash('sha256').update(yaml).digest('hex') };
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await act();
  return performance.now() - began;
}
