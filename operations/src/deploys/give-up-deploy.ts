import { type Deploy, isDeployFinished } from '@eve/domain';
import type { Platform } from '../platform.ts';
import type { ClaimedWork } from '../ports/work-queue.ts';
import { abandonDeploy } from './abandon-deploy.ts';
import { loadDeployContext } from './deploy-context.ts';
import { deployFailure } from './deploy-failure.ts';
import { endDeploy } from './end-deploy.ts';
import { evenly } from './record-endpoints.ts';

const removalMs = 60_000;

/** Ends a deploy whose work failed again and again for a reason of ours. */
export async function giveUpDeploy(platform: Platform, work: ClaimedWork): Promise<void> {
  const { store, log } = platform;
  const deploy = await store.deploys.get(work.tenantId, work.id as Deploy['id']);
  if (isDeployFinished(deploy)) return store.queue.settle(work.lease);
  const lost = 'The deploy was tried several times and the engine or router failed each time.';
  const failure = deploy.failure ?? deployFailure('infrastructure_error', lost);
  let leavesRest = false;
  try {
    await abandonDeploy(platform, await loadDeployContext(platform, deploy), work, AbortSignal.timeout(removalMs));
  } catch (error) {
    log.error({ deployId: deploy.id, error: String(error) }, 'what a deploy started could not be removed');
    // What it stopped cannot serve before the engine is back: it is given up then.
    if (deploy.strategy.kind === 'rolling' && (await hasServed(platform, deploy))) throw error;
    await takeBackTraffic(platform, deploy, work);
    leavesRest = true;
  }
  await endDeploy(platform, deploy, work, { type: 'fail', failure, leavesRest });
}

async function hasServed(
  { store }: Pick<Platform, 'store'>,
  { id, tenantId, environmentId }: Deploy,
): Promise<boolean> {
  const endpoints = await store.endpoints.listOfEnvironment(tenantId, environmentId);
  return endpoints.some(({ deployId, state }) => deployId === id && state === 'serving');
}

/** Without the engine: what did not come from this deploy serves again, as far as the records know it. */
async function takeBackTraffic({ store }: Pick<Platform, 'store'>, deploy: Deploy, work: ClaimedWork): Promise<void> {
  const { tenantId, environmentId, id } = deploy;
  const endpoints = await store.endpoints.listOfEnvironment(tenantId, environmentId);
  const mine = endpoints.filter(({ deployId }) => deployId === id);
  if (mine.some(({ state }) => state === 'serving')) {
    const others = endpoints.filter(
      ({ deployId, state }) => deployId !== id && (state === 'serving' || state === 'draining'),
    );
    // Of what drains, the newest of each service is what this deploy replaced.
    const newest = new Map<string, string>();
    for (const { service, deployId } of others)
      if (deployId > (newest.get(service) ?? '')) newest.set(service, deployId);
    const back = others.filter((each) => each.state === 'serving' || newest.get(each.service) === each.deployId);
    await store.endpoints.switchTo(tenantId, environmentId, evenly(back.map(({ instance }) => instance)), work.lease);
  }
  await store.endpoints.removeInstances(
    tenantId,
    environmentId,
    mine.map(({ instance }) => instance),
    work.lease,
  );
}
