import { DeployFailed } from '@eve/domain';
import type { DeployTarget, Instance, ServiceTarget } from '../ports/deployer.ts';
import { deployFailure } from './deploy-failure.ts';

type Wanted = Pick<DeployTarget, 'deployId' | 'services' | 'reusable'>;

/** What a deploy brings about, and what served when it began. */
export interface Sides {
  readonly target: DeployTarget;
  readonly before: DeployTarget | null;
}

/**
 * The instances that are to serve a target: running, and of the hash it asks for. Those that serve already come first, then those
 * of its own deploy, then those that are taken up again.
 */
export function currentInstances(target: Wanted, instances: readonly Instance[]): Instance[] {
  return wantedInstances(
    target,
    instances.filter(({ state }) => state === 'running'),
  );
}

/** As currentInstances, with those that should run and do not. */
export function wantedInstances(target: Wanted, instances: readonly Instance[]): Instance[] {
  return target.services.flatMap((wanted) =>
    chosen(
      target,
      wanted,
      instances.filter((each) => isOf(wanted, each)),
    ),
  );
}

/**
 * The instances that served a target before the given deploy began, whether they still run or were stopped for it. Where the hash
 * finds none, because a secret has been deleted since, the service's newest instances are meant.
 */
export function formerInstances(target: Wanted, instances: readonly Instance[], deployId: string): Instance[] {
  const others = instances.filter((each) => each.deployId !== deployId);
  return target.services.flatMap((wanted) => {
    const matching = others.filter((each) => isOf(wanted, each));
    return chosen(
      target,
      wanted,
      matching.length > 0 ? matching : others.filter(({ service }) => service === wanted.service.name),
    );
  });
}

function isOf({ service, hash }: ServiceTarget, instance: Instance): boolean {
  return instance.service === service.name && instance.hash === hash;
}

function chosen(target: Wanted, { service }: ServiceTarget, candidates: readonly Instance[]): Instance[] {
  const rank = ({ name, named, deployId }: Instance) =>
    named ? 0 : deployId === target.deployId ? 1 : target.reusable.includes(name) ? 2 : 3;
  return candidates
    .toSorted((a, b) => rank(a) - rank(b) || b.deployId.localeCompare(a.deployId))
    .slice(0, service.replicas);
}

/** Success means that the runtime itself reports the release's digests. */
export function checkDigests(services: readonly ServiceTarget[], instances: readonly Instance[]): void {
  for (const { service, digests } of services) {
    const running = instances.filter((instance) => instance.service === service.name);
    if (running.length < service.replicas) {
      const message = `Of ${service.replicas} instances of service ${service.name} only ${running.length} run.`;
      throw new DeployFailed(deployFailure('container_exited', message, service.name));
    }
    const other = running.find((instance) => !instance.digests.some((digest) => digests.includes(digest)));
    if (other) {
      const message = `Instance ${other.name} runs ${other.digests.join(', ')}, the release names ${digests[0]}.`;
      throw new DeployFailed(deployFailure('digest_mismatch', message, service.name));
    }
  }
}
