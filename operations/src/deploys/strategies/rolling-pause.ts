import type { DeployFailure } from '@eve/domain';
import type { Platform } from '../../platform.ts';
import { removeInstances } from '../../runtime-logs/remove-instances.ts';
import { bringBack } from '../bring-back.ts';
import { currentInstances } from '../current-instances.ts';
import { type Execution, setPhase } from '../execution.ts';
import { serveEvenly } from '../switch-traffic.ts';
import { mixture } from './mixture.ts';

/** Leaves what serves as it is, with the old ones in the place of what failed, until somebody lets it go on or aborts it. */
export async function pauseAt(platform: Platform, execution: Execution, failure: DeployFailure): Promise<void> {
  const { deployer, store, now } = platform;
  const { context, before, writer, signal } = execution;
  const { target, environment } = context;
  const broken = await deployer.observe(environment.id);
  const isWell = new Set<string>();
  for (const each of mixture({ target, before }, broken, null).serving) {
    const wanted = target.services.find(({ service }) => service.name === each.service);
    const isSuspect = wanted && each.service === failure.service && each.deployId === target.deployId;
    if (!isSuspect || (await deployer.probe(wanted, each, signal)).every(({ ok }) => ok)) isWell.add(each.name);
  }
  const failed = broken.filter(({ name, deployId }) => deployId === target.deployId && !isWell.has(name));
  const names = failed.map(({ name }) => name);
  await store.endpoints.removeInstances(environment.tenantId, environment.id, names, execution.work.lease);
  // Gone before an old one comes back: both may write to one volume.
  await removeInstances(platform, environment, failed, signal);
  const { missing } = mixture({ target, before }, await deployer.observe(environment.id), null);
  if (before) await bringBack(platform, before, missing, signal);
  const { serving } = mixture({ target, before }, await deployer.observe(environment.id), null);
  await serveEvenly(platform, execution, serving);
  const isNew = new Set(currentInstances(target, serving).map(({ name }) => name));
  const weight = Math.round((100 * isNew.size) / Math.max(1, serving.length));
  const about = { service: failure.service, step: 'pause', code: failure.code };
  writer.say(failure.message, about);
  writer.say(
    `Paused: ${isNew.size} of ${serving.length} instances that serve are new; promote it to try again, or abort it`,
    {
      step: 'pause',
    },
  );
  await setPhase(platform, execution, 'paused', { canary: { step: 0, weight, since: now(), paused: true } });
}

/** Whether somebody has let a paused deploy go on. */
export async function goesOn(platform: Platform, execution: Execution): Promise<boolean> {
  const { tenantId, id } = execution.context.deploy;
  const { canaryRequest } = await platform.store.deploys.get(tenantId, id);
  if (canaryRequest === null || canaryRequest === 'pause') return false;
  // Both or none: a promotion that stayed would skip the next pause.
  await platform.store.transaction(async ({ deploys }) => {
    await setPhase({ store: { deploys } }, execution, 'starting', { canary: null });
    await deploys.setCanaryRequest(tenantId, id, null);
  });
  execution.writer.say('Going on', { step: 'pause' });
  return true;
}
