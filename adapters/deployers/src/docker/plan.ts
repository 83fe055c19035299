import type { DeployTarget, PlannedChange, ServiceTarget } from '@eve/operations';
import { hasWritableVolume } from './container-body.ts';
import type { Found } from './found.ts';

/** What there is of one service, seen from what is wanted. */
export interface Standing {
  /** Already as wanted, healthy once and running: left alone. */
  readonly kept: readonly Found[];
  /** Made by an earlier attempt of this same deploy, not yet seen healthy. */
  readonly begun: readonly Found[];
  readonly others: readonly Found[];
}

/** Sorts a service's instances into those that stay, those that this deploy has begun, and the others. */
export function standingOf(target: DeployTarget, wanted: ServiceTarget, found: readonly Found[]): Standing {
  const ours = found.filter(({ instance }) => instance.service === wanted.service.name);
  const kept = ours
    .filter(({ instance }) => instance.hash === wanted.hash && instance.named && instance.state === 'running')
    .slice(0, wanted.service.replicas);
  const begun = ours.filter(
    (each) => !kept.includes(each) && each.instance.deployId === target.deployId && each.instance.hash === wanted.hash,
  );
  return { kept, begun, others: ours.filter((each) => !kept.includes(each) && !begun.includes(each)) };
}

/** What a deploy will change, service by service. */
export function plannedChanges(target: DeployTarget, found: readonly Found[]): PlannedChange[] {
  const changes = target.services.map((wanted): PlannedChange => {
    const { name: service, replicas } = wanted.service;
    const { kept, others } = standingOf(target, wanted, found);
    const instances = replicas - kept.length;
    if (instances === 0)
      return { service, kind: 'keep', reason: 'image and configuration are unchanged', instances: kept.length };
    if (hasWritableVolume(wanted.service) && others.length > 0) {
      const reason = 'it writes to a volume: the old instance stops before the new one starts';
      return { service, kind: 'replace', reason, instances };
    }
    return { service, kind: 'start', reason: reasonToStart(wanted, kept.length, others), instances };
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
  if (same.length === 0) return 'its image or configuration changed';
  if (same.some(({ instance }) => instance.state === 'running'))
    return 'the instance that is like it gets no traffic any more and is about to be removed';
  return same.some(({ instance }) => instance.state === 'restarting')
    ? 'its instance exits again and again'
    : 'its instance has stopped';
}
