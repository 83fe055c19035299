import { label } from '@eve/adapter-kubernetes';
import type { DeployTarget, PlannedChange, ServiceTarget } from '@eve/operations';
import type { KubernetesSettings } from './context.ts';
import { hashOf } from './deployment-object.ts';
import { dryRun } from './dry-run.ts';
import { instanceOf, isReady } from './instance.ts';
import { choose, podsIn, readStanding, type Standing, servingSlots } from './standing.ts';

/** What a deploy will change, service by service. Throws DeployFailed for what the cluster would refuse. */
export async function plan(
  settings: KubernetesSettings,
  target: DeployTarget,
  namespace: string,
): Promise<PlannedChange[]> {
  const { cluster, installation } = settings;
  const standing = await readStanding(cluster, { installation, environmentId: target.environment.id });
  await dryRun(settings, standing, target, namespace);
  const changes = target.services.map((wanted) => changeOf(standing, target, wanted));
  const wantedNames = new Set(target.services.map(({ service }) => service.name));
  const gone = Map.groupBy(standing.pods, ({ metadata }) => metadata.labels?.[label.service] ?? '');
  return [
    ...changes,
    ...[...gone].flatMap(([service, pods]): PlannedChange[] =>
      wantedNames.has(service)
        ? []
        : [{ service, kind: 'remove', reason: 'the revision does not have it', instances: pods.length }],
    ),
  ];
}

function changeOf(standing: Standing, target: DeployTarget, wanted: ServiceTarget): PlannedChange {
  const { name: service, replicas } = wanted.service;
  const { kind, slot, there } = choose(standing, target, wanted);
  const ready = podsIn(standing, service, slot, wanted.hash).filter(isReady).length;
  switch (kind) {
    case 'kept':
      return ready >= replicas
        ? { service, kind: 'keep', reason: 'image and configuration are unchanged', instances: ready }
        : {
            service,
            kind: 'start',
            reason: `${replicas} instances are wanted, ${ready} run`,
            instances: replicas - ready,
          };
    case 'again':
      return { service, kind: 'keep', reason: `taken up again: ${ready} that served before`, instances: replicas };
    case 'mine':
      return { service, kind: 'start', reason: 'an earlier attempt of this deploy began it', instances: replicas };
    case 'replace': {
      const reason = 'it writes to a volume: the old instance stops before the new one starts';
      return { service, kind: 'replace', reason, instances: replicas };
    }
    case 'beside':
      return { service, kind: 'start', reason: reasonToStart(standing, wanted, there !== null), instances: replicas };
  }
}

function reasonToStart(standing: Standing, wanted: ServiceTarget, isOther: boolean): string {
  const { name } = wanted.service;
  const serving = servingSlots(standing, name).flatMap((slot) => podsIn(standing, name, slot));
  if (serving.length === 0 && !isOther) return 'it does not run yet';
  if (
    standing.deployments.some(
      (each) => each.metadata.labels?.[label.service] === name && hashOf(each.spec) === wanted.hash,
    )
  )
    return 'the instance that is like it gets no traffic any more and is about to be removed';
  const isSame = serving.every((pod) => instanceOf(pod, true).digests.some((each) => wanted.digests.includes(each)));
  return isSame && serving.length > 0 ? 'its configuration or settings changed' : 'its image changed';
}
