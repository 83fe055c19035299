import type { DeployFailure } from '@eve/domain';
import type { Platform } from '../../platform.ts';
import type { Halting, Instance } from '../../ports/deployer.ts';
import { removeInstances } from '../../runtime-logs/remove-instances.ts';
import { bringBack } from '../bring-back.ts';
import { currentInstances } from '../current-instances.ts';
import { type Execution, setPhase } from '../execution.ts';
import { evenly, recordMissing } from '../record-endpoints.ts';
import { routeWith, serveEvenly } from '../switch-traffic.ts';
import { mixture } from './mixture.ts';

/** Leaves what serves as it is, with the old ones in the place of what failed, until somebody lets it go on or aborts it. */
export async function pauseAt(
  platform: Platform,
  execution: Execution,
  exchange: Halting,
  failure: DeployFailure,
): Promise<void> {
  const { deployer, store } = platform;
  const { context, before, signal } = execution;
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
  if (before) await bringBack(platform, exchange, before, missing, signal);
  const { serving } = mixture({ target, before }, await deployer.observe(environment.id), null);
  await serveEvenly(platform, execution, serving);
  await sayPaused(platform, execution, failure, serving);
}

/** As pauseAt, where the runtime exchanges instances itself: what it could not make well stays there beside the old ones, without traffic. */
export async function pauseAsItStands(platform: Platform, execution: Execution, failure: DeployFailure): Promise<void> {
  const { context, signal } = execution;
  const { target, environment } = context;
  const observed = await platform.deployer.observe(environment.id);
  const well: Instance[] = [];
  for (const each of observed.filter(({ named, state }) => named && state === 'running')) {
    const wanted = target.services.find(({ service, hash }) => service.name === each.service && hash === each.hash);
    if (!wanted || (await platform.deployer.probe(wanted, each, signal)).every(({ ok }) => ok)) well.push(each);
  }
  await recordMissing(platform, context, execution.work, well);
  await routeWith(platform, execution, evenly(well.map(({ name }) => name)));
  await sayPaused(platform, execution, failure, well);
}

async function sayPaused(
  platform: Platform,
  execution: Execution,
  failure: DeployFailure,
  serving: readonly Instance[],
): Promise<void> {
  const { context, writer } = execution;
  const fresh = currentInstances(context.target, serving).length;
  const weight = Math.round((100 * fresh) / Math.max(1, serving.length));
  writer.say(failure.message, { service: failure.service, step: 'pause', code: failure.code });
  const words = `Paused: ${fresh} of ${serving.length} instances that serve are new; promote it to try again, or abort it`;
  writer.say(words, { step: 'pause' });
  const canary = { step: 0, weight, since: platform.now(), paused: true };
  await setPhase(platform, execution, 'paused', { canary });
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
