import type { DeployTarget, PlannedChange, ServiceTarget } from '@eve/operations';
import { hasWritableVolume } from './container-body.ts';
import type { Found } from './found.ts';

/** The instances of a service before a deploy does anything. */
export interface Standing {
  /** Already as wanted, with the service's name and running: left alone. */
  readonly kept: readonly Found[];
  /** Like what is wanted, served before and still run: taken up again when they are well. */
  readonly again: readonly Found[];
  readonly others: readonly Found[];
}

/** Sorts a service's instances into those that stay, those that are taken up again, and the others. */
export function standingOf(
  { reusable, deployId }: Pick<DeployTarget, 'reusable' | 'deployId'>,
  { service, hash }: ServiceTarget,
  found: readonly Found[],
  most = service.replicas,
): Standing {
  const ours = found.filter(({ instance }) => instance.service === service.name);
  const alike = ours.filter(({ instance }) => instance.hash === hash && instance.state === 'running');
  const kept = alike.filter(({ instance }) => instance.named).slice(0, most);
  const again = alike
    .filter(({ instance }) => !instance.named && reusable.includes(instance.name))
    .slice(0, most - kept.length);
  // What an earlier attempt of this same deploy began is none of the others: it goes on with it.
  const isMine = ({ instance }: Found) => instance.deployId === deployId && instance.hash === hash;
  const others = ours.filter((each) => !kept.includes(each) && !again.includes(each) && !isMine(each));
  return { kept, again, others };
}

/** What a deploy will change, service by service. */
export function plannedChanges(target: DeployTarget, found: readonly Found[]): PlannedChange[] {
  const changes = target.services.map((wanted): PlannedChange => {
    const { name: service, replicas } = wanted.service;
    const { kept, again, others } = standingOf(target, wanted, found);
    const instances = replicas - kept.length - again.length;
    if (instances === 0 && again.length > 0)
      return {
        service,
        kind: 'keep',
        reason: `taken up again: ${again.length} that served before`,
        instances: replicas,
      };
    if (instances === 0)
      return { service, kind: 'keep', reason: 'image and configuration are unchanged', instances: kept.length };
    if (hasWritableVolume(wanted.service) && others.length > 0) {
      const reason = 'it writes to a volume: the old instance stops before the new one starts';
      return { service, kind: 'replace', reason, instances };
    }
    return { service, kind: 'start', reason: reasonToStart(wanted, kept.length + again.length, others), instances };
  });
  const wantedNames = new Set(target.services.map(({ service }) => service.name));
  const gone = Map.groupBy(
    found.filter(({ instance }) => !wantedNames.has(instance.service)),
    ({ instance }) => instance.service,
  );
  return [
    ...changes,
    ...[...gone].map(([service, instances]): PlannedChange => {
      return { service, kind: 'remove', reason: 'the revision does not have it', instances: instances.length };
    }),
  ];
}

function reasonToStart(wanted: ServiceTarget, kept: number, others: readonly Found[]): string {
  if (kept > 0) return `${wanted.service.replicas} instances are wanted, ${kept} run`;
  if (others.length === 0) return 'it does not run yet';
  const same = others.filter(({ instance }) => instance.hash === wanted.hash);
  if (same.length === 0) {
    const isSameImage = ({ instance }: Found) => instance.digests.some((each) => wanted.digests.includes(each));
    const serving = others.filter(({ instance }) => instance.named);
    const isImageKept = serving.length > 0 ? serving.every(isSameImage) : others.every(isSameImage);
    return isImageKept ? 'its configuration or settings changed' : 'its image changed';
  }
  if (same.some(({ instance }) => instance.state === 'running'))
    return 'the instance that is like it gets no traffic any more and is about to be removed';
  return same.some(({ instance }) => instance.state === 'restarting')
    ? 'its instance exits again and again'
    : 'its instance has stopped';
}
