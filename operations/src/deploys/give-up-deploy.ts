import { type Deploy, isDeployFinished } from '@eve/domain';
import type { Platform } from '../platform.ts';
import type { ClaimedWork } from '../ports/work-queue.ts';
import { abandonDeploy } from './abandon-deploy.ts';
import { loadDeployContext } from './deploy-context.ts';
import { deployFailure } from './deploy-failure.ts';
import { endDeploy } from './end-deploy.ts';

const removalMs = 60_000;

/** Ends a deploy whose work failed again and again for a reason of ours. */
export async function giveUpDeploy(platform: Platform, work: ClaimedWork): Promise<void> {
  const { store, log } = platform;
  const deploy = await store.deploys.get(work.tenantId, work.id as Deploy['id']);
  if (isDeployFinished(deploy)) return store.queue.settle(work.lease);
  const failure = deployFailure(
    'infrastructure_error',
    'The deploy was tried several times and the engine or router failed each time.',
  );
  try {
    await abandonDeploy(platform, await loadDeployContext(platform, deploy), work, AbortSignal.timeout(removalMs));
  } catch (error) {
    log.error({ deployId: deploy.id, error: String(error) }, 'what a deploy started could not be removed');
    await takeBackTraffic(platform, deploy, work);
  }
  await endDeploy(platform, deploy, work, { type: 'fail', failure });
}

/** Without the engine: what did not come from this deploy serves again, as far as the records know it. */
async function takeBackTraffic({ store }: Pick<Platform, 'store'>, deploy: Deploy, work: ClaimedWork): Promise<void> {
  const { tenantId, environmentId, id } = deploy;
  const endpoints = await store.endpoints.listOfEnvironment(tenantId, environmentId);
  const mine = endpoints.filter(({ deployId }) => deployId === id);
  if (mine.some(({ state }) => state === 'serving')) {
    const others = endpoints.filter(({ deployId, state }) => deployId !== id && state !== 'starting');
    const names = others.map(({ instance }) => instance);
    await store.endpoints.switchTo(tenantId, environmentId, names, work.lease);
  }
  const gone = mine.map(({ instance }) => instance);
  await store.endpoints.removeInstances(tenantId, environmentId, gone);
}
