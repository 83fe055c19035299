import { DeployFailed } from '@eve/domain';
import { deployFailure } from '../src/deploys/deploy-failure.ts';
import type { DeployerEvent, DeployTarget, ServiceTarget } from '../src/ports/deployer.ts';
import type { Kept } from './scripted-deployer.ts';

type Slot = Kept['slot'];

/** What rolling needs of the deployer that it belongs to. */
export interface RollingParts {
  readonly instances: Kept[];
  readonly rolled: DeployTarget[];
  start(target: DeployTarget, wanted: ServiceTarget, replica: number, slot: Slot): Kept;
  slotFor(target: DeployTarget, wanted: ServiceTarget): Slot;
}

/** A runtime in memory that exchanges instances itself: each service has two slots, and a slot serves as a whole. */
export function scriptedRolling({ instances, rolled, start, slotFor }: RollingParts) {
  let pods = 0;
  const ofService = ({ environment }: DeployTarget, { service }: ServiceTarget) =>
    instances.filter((each) => each.environmentId === environment.id && each.service === service.name);
  const remove = (gone: readonly Kept[]) => {
    for (const each of gone) instances.splice(instances.indexOf(each), 1);
  };
  const rightIn = (target: DeployTarget, wanted: ServiceTarget, slot: Slot) =>
    ofService(target, wanted).filter(
      (each) => each.slot === slot && each.hash === wanted.hash && each.state === 'running',
    );

  /** One of a slot that is there already, or a new one under a name that no other ever had. */
  function pod(target: DeployTarget, wanted: ServiceTarget, slot: Slot, besides: readonly Kept[]): Kept {
    const there = rightIn(target, wanted, slot).find((each) => !besides.includes(each));
    return there ?? start(target, wanted, ++pods, slot);
  }

  /** Takes away what an older revision left in a slot. */
  function clear(target: DeployTarget, wanted: ServiceTarget, slot: Slot): void {
    remove(ofService(target, wanted).filter((each) => each.slot === slot && each.hash !== wanted.hash));
  }

  async function* roll(target: DeployTarget, signal: AbortSignal): AsyncGenerator<DeployerEvent> {
    rolled.push(target);
    for (const wanted of target.services) {
      const { name: service, replicas } = wanted.service;
      const mine = () => ofService(target, wanted);
      const same = mine().find(({ hash, state }) => hash === wanted.hash && state === 'running');
      const slot = same?.slot ?? mine().find(({ named }) => named)?.slot ?? slotFor(target, wanted);
      const ready: Kept[] = [];
      // What was not well is not by being asked again: another one comes in its place.
      remove(mine().filter((each) => each.slot === slot && each.hash === wanted.hash && each.script.unhealthy));
      while (ready.length < replicas) {
        const isNew = rightIn(target, wanted, slot).every((each) => ready.includes(each));
        const instance = pod(target, wanted, slot, ready);
        // A slot that serves has the names of all that is in it.
        instance.named = mine().every((each) => !each.named || each.slot === slot);
        if (isNew) {
          yield { type: 'started', instance: { ...instance } };
          const { unhealthy, hang } = instance.script;
          if (hang) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
          signal.throwIfAborted();
          const probe = { at: new Date(), ok: !unhealthy, detail: `GET /health: ${unhealthy ? 503 : 200}` };
          yield { type: 'probed', service, instance: instance.name, probe };
          if (unhealthy) {
            const failure = deployFailure('health_check_failed', `Service ${service} is not healthy.`, service);
            throw new DeployFailed({ ...failure, probes: [probe], logs: ['cannot reach the database'] });
          }
        }
        ready.push(instance);
        remove(
          mine()
            .filter((each) => each.slot === slot && each.hash !== wanted.hash)
            .slice(0, 1),
        );
        if (isNew) yield { type: 'healthy', instance: { ...instance } };
      }
      remove(mine().filter((each) => each.slot === slot && !ready.includes(each)));
      for (const each of mine()) each.named = each.slot === slot;
    }
  }

  return { pod, clear, roll };
}
