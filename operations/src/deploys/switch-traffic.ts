import type { Platform } from '../platform.ts';
import type { Instance } from '../ports/deployer.ts';
import { checkDigests, currentInstances } from './current-instances.ts';
import { type Execution, setPhase } from './execution.ts';
import { evenly, recordMissing } from './record-endpoints.ts';
import { applyRouting } from './routing.ts';

/** Moves names and traffic to the new revision, once the runtime itself reports the digests that the release names. */
export async function switchTraffic(platform: Platform, execution: Execution): Promise<void> {
  const { deployer, failpoint } = platform;
  const { context, writer, until } = execution;
  const { target, environment } = context;
  until.throwIfAborted();
  // Where it was watched already the traffic has moved: what goes wrong now went wrong after the switch.
  if (context.deploy.phase !== 'stabilising') await setPhase(platform, execution, 'switching');
  const current = currentInstances(target, await deployer.observe(environment.id));
  checkDigests(target.services, current);
  failpoint('before-switch');
  await serveEvenly(platform, execution, current);
  failpoint('after-switch');
  writer.say('Traffic moved', { step: 'switch' });
  checkDigests(target.services, currentInstances(target, await deployer.observe(environment.id)));
  for (const { service, digests } of target.services)
    writer.say(`Running ${digests[0]}`, { service: service.name, step: 'verify' });
}

/** Names and traffic go to exactly these instances, the same to each; all others of the environment drain. */
export async function serveEvenly(
  platform: Pick<Platform, 'store' | 'deployer' | 'router' | 'settings'>,
  execution: Pick<Execution, 'context' | 'work' | 'signal'>,
  instances: readonly Instance[],
): Promise<void> {
  const { context, work, signal } = execution;
  const names = instances.map(({ name }) => name);
  await platform.deployer.serve(context.target, names, work.lease, signal);
  await recordMissing(platform, context, work, instances);
  await routeWith(platform, execution, evenly(names));
}

/** Outside traffic goes to exactly these instances, by weight; names stay where they are. */
export async function routeWith(
  platform: Pick<Platform, 'store' | 'router' | 'settings'>,
  { context, work, signal }: Pick<Execution, 'context' | 'work' | 'signal'>,
  weights: Readonly<Record<string, number>>,
): Promise<void> {
  const { tenantId, id } = context.environment;
  await platform.store.endpoints.switchTo(tenantId, id, weights, work.lease);
  await applyRouting(platform, signal, id);
}
