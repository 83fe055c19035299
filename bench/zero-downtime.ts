import { setTimeout as sleep } from 'node:timers/promises';
import type { EveClient } from '@eve/protocol-rest/client';
import { deployVersion, serviceUrl, untilHealthy } from './deploys.ts';
import { type Figure, measured } from './figure.ts';
import { startMixedLoad } from './mixed-load.ts';
import type { Scene } from './scene.ts';

const environment = 'test';
const deploys = 100;
const rollbacks = 20;
const failing = 10;
const rates = { perSecond: 500, streams: 4, sockets: 4 };

/** Every client's every request while revisions come, go back and fail. */
export async function noFailedRequests(scene: Scene): Promise<Figure[]> {
  const { api } = await scene.eve();
  const project = (await scene.project()).id;
  await deployVersion(scene, `load-${Date.now()}`);
  const began = performance.now();
  const load = startMixedLoad(await serviceUrl(api, project), rates);
  let refused = 0;
  for (let round = 1; round <= deploys; round++) {
    await untilHealthy(api, await configured(api, project, { ROUND: String(round) }));
    if (round % (deploys / rollbacks) === 0) {
      const { deploy } = await api.rollbackEnvironment(project, environment);
      if (deploy) await untilHealthy(api, deploy.id);
    }
    if (round % (deploys / failing) === 0) {
      const id = await configured(api, project, { BROKEN: '1' });
      if ((await ended(api, id)) === 'failed') refused += 1;
      await api.setConfiguration(project, environment, { unset: ['BROKEN'], deploy: false });
    }
  }
  const { counts, errors } = await load.stop();
  const seconds = (performance.now() - began) / 1_000;
  const failed = Object.values(counts).reduce((sum, each) => sum + each.failed, 0);
  const kinds = Object.entries(counts).map(([kind, each]) => `${kind} ${each.requests} (${each.failed} failed)`);
  const done = `${deploys} deploys, ${rollbacks} rollbacks, ${refused} of ${failing} failing deploys that failed`;
  const detail = `${done} in ${Math.round(seconds)} s at ${rates.perSecond}/s: ${kinds.join(', ')}; ${errors.join('; ')}`;
  const met = failed === 0 && refused === failing;
  return [measured({ name: 'no-failed-requests', ours: failed, unit: 'failed', target: '0', met, detail })];
}

/** Deploys what runs with other configuration; answers with the deploy's id. */
async function configured(api: EveClient, project: string, set: Record<string, string>): Promise<string> {
  const { deploy } = await api.setConfiguration(project, environment, { set });
  if (!deploy) throw new Error('The change of configuration made no deploy.');
  return deploy.id;
}

async function ended(api: EveClient, deployId: string): Promise<string> {
  for (;;) {
    const { status } = await api.getDeploy(deployId);
    if (['healthy', 'failed', 'cancelled', 'superseded'].includes(status)) return status;
    await sleep(20);
  }
}
