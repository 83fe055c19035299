import { setTimeout as sleep } from 'node:timers/promises';
import { type DockerEngine, inspectImage } from '@eve/adapter-docker';
import type { Service } from '@eve/domain';
import type { Deployer, DeployTarget, ServiceTarget } from '@eve/operations';
import { apply } from './apply.ts';
import { environmentLabels, hasWritableVolume } from './container-body.ts';
import type { DeployerSettings } from './context.ts';
import { lastLines } from './failure.ts';
import { refuseOldFence } from './fence.ts';
import { findInstances, label } from './found.ts';
import type { PortRange } from './loopback-ports.ts';
import { giveName, lateConnectionsMs, takeName } from './naming.ts';
import { ensurePlace } from './place.ts';
import { plannedChanges } from './plan.ts';
import { removeEnvironment, removeInstances } from './remove.ts';

export interface DockerDeployerOptions {
  readonly engine: DockerEngine;
  /** Tells this installation's containers from another one's on the same engine. */
  readonly installation: string;
  readonly now: () => Date;
  /** The private range that networks are cut from, three /24 per environment. */
  readonly networkPool?: string;
  /** Loopback ports for containers. */
  readonly ports?: PortRange;
  /** No service is given up earlier than this, whatever its checks say. */
  readonly minimumDeadlineMs?: number;
  readonly random?: () => number;
}

/** Runs revisions as containers of a Docker engine on this machine. */
export function dockerDeployer(options: DockerDeployerOptions): Deployer {
  const { engine, installation, now } = options;
  const settings: DeployerSettings = {
    engine,
    installation,
    now,
    random: options.random ?? Math.random,
    networkPool: options.networkPool ?? '10.213.0.0/16',
    ports: options.ports ?? { from: 21_000, to: 29_999 },
    minimumDeadlineMs: options.minimumDeadlineMs ?? 60_000,
  };
  const found = (environment: string) =>
    findInstances(engine, { [label.installation]: installation, [label.environment]: environment });

  const namelessSince = new Map<string, number>();
  return {
    name: 'docker',
    unsupported: (services) => services.flatMap(unsupportedOf),
    plan: async (target) => plannedChanges(target, await found(target.environment.id)),
    apply: (target, lease, signal) => apply(settings, target, lease, signal),

    async serve(target, lease, signal) {
      await refuseOldFence(engine, target, lease);
      const labels = environmentLabels(target, installation);
      const place = await ensurePlace(engine, target.place, { pool: settings.networkPool, labels });
      const instances = await found(target.environment.id);
      const serving = new Set(target.services.flatMap((wanted) => servingOf(target, wanted, instances)));
      // The new ones first: between the two steps a name means both, never nothing.
      signal.throwIfAborted();
      const fresh = instances.filter((each) => serving.has(each.instance.name) && !each.instance.named);
      await Promise.all(fresh.map((each) => giveName(engine, place, each)));
      signal.throwIfAborted();
      const stale = instances.filter(
        ({ instance }) => !serving.has(instance.name) && instance.named && instance.state !== 'exited',
      );
      await Promise.all(stale.map((each) => takeName(engine, place, each)));
      for (const { instance } of stale) namelessSince.set(instance.name, performance.now());
    },

    observe: async (environmentId) => (await found(environmentId)).map(({ instance }) => instance),
    async remove(instances, signal) {
      const since = Math.max(...instances.map(({ name }) => namelessSince.get(name) ?? -lateConnectionsMs));
      const waitMs = since + lateConnectionsMs - performance.now();
      if (waitMs > 0) await sleep(waitMs, undefined, { signal });
      await removeInstances(engine, instances, signal);
      for (const { name } of instances) namelessSince.delete(name);
    },
    tail: (instance, lines) => lastLines(engine, instance.name, lines),
    removeEnvironment: (id, { volumes }, signal) => removeEnvironment(engine, id, { volumes }, signal),
    async localImage(reference) {
      const image = await inspectImage(engine, reference);
      return image && { id: image.Id };
    },
  };
}

/** Running instances with the wanted hash that this deploy made, or that were named, so healthy, before. */
function servingOf(
  target: DeployTarget,
  { service, hash }: ServiceTarget,
  instances: Awaited<ReturnType<typeof findInstances>>,
): string[] {
  return instances
    .map(({ instance }) => instance)
    .filter((each) => each.service === service.name && each.hash === hash && each.state !== 'exited')
    .filter((each) => each.named || each.deployId === target.deployId)
    .slice(0, service.replicas)
    .map(({ name }) => name);
}

function unsupportedOf(service: Service): string[] {
  return service.replicas > 1 && hasWritableVolume(service)
    ? [`services.${service.name}.deploy.replicas: more than one instance cannot write to one volume`]
    : [];
}
