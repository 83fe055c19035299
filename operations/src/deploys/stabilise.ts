import { type Environment, waitsForItsTurn } from '@eve/domain';
import type { Platform } from '../platform.ts';
import type { Instance } from '../ports/deployer.ts';
import { secondsInWords } from './announce-deploy.ts';
import { currentInstances } from './current-instances.ts';
import { type Execution, setPhase } from './execution.ts';
import { watchInstances } from './watch-instances.ts';

/**
 * Watches what has begun to serve, while what came before is kept and could take over at once. Ends early when another deploy of the
 * environment waits. Throws DeployFailed `unstable`.
 */
export async function stabilise(platform: Platform, execution: Execution): Promise<void> {
  const { deployer, failpoint, now } = platform;
  const { context, writer } = execution;
  const { target, environment, rules } = context;
  if (rules.stabiliseMs === 0) return;
  await setPhase(platform, execution, 'stabilising');
  const about = { step: 'stabilise' };
  const fresh = newcomers(execution, currentInstances(target, await deployer.observe(environment.id)));
  if (fresh.length === 0) return;
  const what = fresh.length === 1 ? '1 new instance' : `${fresh.length} new instances`;
  writer.say(`Watching ${what} for ${secondsInWords(rules.stabiliseMs)}`, about);
  let isCut = false;
  await watchInstances(platform, execution, fresh, {
    forMs: rules.stabiliseMs,
    since: now(),
    async enough() {
      failpoint('in-stabilising');
      isCut = await anotherWaits(platform, environment);
      return isCut;
    },
  });
  writer.say(isCut ? 'Healthy so far; no longer watched because another deploy waits' : 'Stayed healthy', about);
}

/** Of what serves, the instances that did not serve the revision before. */
export function newcomers({ context, before }: Execution, current: readonly Instance[]): Instance[] {
  const { deployId } = context.target;
  const was = new Set(before?.services.map(({ service, hash }) => `${service.name} ${hash}`));
  return current.filter((each) => each.deployId === deployId || !was.has(`${each.service} ${each.hash}`));
}

/** Whether a deploy of the environment waits for nothing but its turn. */
export async function anotherWaits(
  { store }: Pick<Platform, 'store'>,
  { tenantId, id }: Pick<Environment, 'tenantId' | 'id'>,
): Promise<boolean> {
  return (await store.deploys.pending(tenantId, id)).some(waitsForItsTurn);
}
