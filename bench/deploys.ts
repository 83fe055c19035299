import { setTimeout as sleep } from 'node:timers/promises';
import { createContainer, dockerEngine, removeContainer, startContainer } from '@eve/adapter-docker';
import type { EveClient } from '@eve/protocol-rest/client';
import { type Figure, listed, measured, median } from './figure.ts';
import type { Scene } from './scene.ts';

const environment = 'test';
const finalStates = ['healthy', 'failed', 'cancelled', 'superseded'];

/** Builds a version and deploys it; answers with the time of the deploy alone, without the build. */
export async function deployVersion(scene: Scene, version: string): Promise<number> {
  const { api } = await scene.eve();
  const project = await scene.project();
  const commit = await project.change(version);
  await build(api, project.id, commit);
  const began = performance.now();
  const { deploy } = await api.requestDeploy(project.id, environment, { ...commit, direct: true });
  if (!deploy) throw new Error('The request made no deploy.');
  await untilHealthy(api, deploy.id);
  return performance.now() - began;
}

/** Builds a commit and waits for its end; throws unless it succeeds. */
export async function build(
  api: EveClient,
  project: string,
  commit: { git_sha: string; manifest_hash: string },
): Promise<void> {
  const spec = await api.createBuild(project, commit);
  const { id } = await api.startBuildRun(spec.id);
  for (;;) {
    const run = await api.getBuildRun(spec.id, id);
    if (run.status === 'completed') return;
    if (run.status === 'failed' || run.status === 'cancelled') throw new Error(run.error_message ?? run.status);
    await sleep(20);
  }
}

/** Waits for a deploy's end; throws unless it is healthy. */
export async function untilHealthy(api: EveClient, deployId: string): Promise<void> {
  for (;;) {
    const deploy = await api.getDeploy(deployId);
    if (deploy.status === 'healthy') return;
    if (finalStates.includes(deploy.status)) throw new Error(deploy.error_message ?? `The deploy is ${deploy.status}.`);
    await sleep(10);
  }
}

/** What a deploy costs beyond making and starting the same container by hand and waiting for its first answer. */
export async function deploySwitch(scene: Scene): Promise<Figure[]> {
  const ours: number[] = [];
  const bare: number[] = [];
  await deployVersion(scene, `switch-${Date.now()}`);
  for (let round = 0; round < 5; round++) {
    ours.push(await deployVersion(scene, `switch-${Date.now()}`));
    bare.push(await bareStart(scene));
  }
  const overhead = median(ours) - median(bare);
  const detail = `deploys ${listed(ours)}; bare create + start until the first 200: ${listed(bare)}`;
  return [
    measured({
      name: 'deploy-switch',
      ours: overhead,
      unit: 'ms beyond the app',
      target: '≤ 2000 ms',
      met: overhead <= 2_000,
      detail,
    }),
  ];
}

/** The newest image once more, as a container of our own. */
async function bareStart(scene: Scene): Promise<number> {
  const { engine: host } = await scene.buildTools();
  const engine = dockerEngine({ socketPath: host });
  const began = performance.now();
  const body = {
    Image: `${await scene.registryHost()}/local/bench/web:local`,
    Env: ['PORT=3000'],
    ExposedPorts: { '3000/tcp': {} },
    HostConfig: { PortBindings: { '3000/tcp': [{ HostIp: '127.0.0.1', HostPort: '39321' }] }, Init: true },
  };
  const id = await createContainer(engine, `eve-bench-${process.pid}`, body);
  try {
    await startContainer(engine, id);
    while ((await answerOf('http://127.0.0.1:39321/')) === null) await sleep(10);
    return performance.now() - began;
  } finally {
    await removeContainer(engine, id);
  }
}

/** From the request of a rollback to the first answer of the old version. */
export async function rollback(scene: Scene): Promise<Figure[]> {
  const { api } = await scene.eve();
  const project = await scene.project();
  const times: number[] = [];
  const [first, second] = [`before-${Date.now()}`, `after-${Date.now()}`];
  await deployVersion(scene, first);
  await deployVersion(scene, second);
  const url = await serviceUrl(api, project.id);
  for (let round = 0; round < 3; round++) {
    const wanted = round % 2 === 0 ? first : second;
    const began = performance.now();
    const { deploy } = await api.rollbackEnvironment(project.id, environment);
    if (!deploy) throw new Error('The rollback made no deploy.');
    while ((await answerOf(url)) !== wanted) await sleep(10);
    times.push(performance.now() - began);
    await untilHealthy(api, deploy.id);
  }
  const ours = median(times);
  const detail = `rounds ${listed(times)}, each asked for as soon as the deploy before it was healthy`;
  return [measured({ name: 'rollback', ours, unit: 'ms', target: '≤ 3000 ms', met: ours <= 3_000, detail })];
}

/** The loopback address of the bench's service. */
export async function serviceUrl(api: EveClient, project: string): Promise<string> {
  const { services } = await api.environmentStatus(project, environment);
  const url = services.flatMap(({ urls }) => urls).find((each) => each.startsWith('http://127.0.0.1:'));
  if (!url) throw new Error('The service has no address.');
  return url;
}

/** What a URL answers, null when it does not answer well. */
export async function answerOf(url: string): Promise<string | null> {
  const asked = fetch(url, { headers: { connection: 'close' }, signal: AbortSignal.timeout(2_000) });
  return asked.then(
    (answer) => (answer.ok ? answer.text() : null),
    () => null,
  );
}
