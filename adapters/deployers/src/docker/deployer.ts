import { type DockerEngine, DockerError, inspectImage, startContainer, stopContainer } from '@eve/adapter-docker';
import type { Service } from '@eve/domain';
import type { Deployer, Instance } from '@eve/operations';
import { apply } from './apply.ts';
import { hasWritableVolume } from './container-body.ts';
import type { DeployerSettings } from './context.ts';
import { engineImages, removeEngineImage } from './engine-images.ts';
import { engineFailure, lastLines } from './failure.ts';
import { findInstances, label } from './found.ts';
import { instanceLogs } from './instance-logs.ts';
import type { PortRange } from './loopback-ports.ts';
import { namelessInstances } from './nameless.ts';
import { plannedChanges } from './plan.ts';
import { probeInstance } from './probe.ts';
import { probeHistory } from './probe-history.ts';
import { removeEnvironment, removeInstances } from './remove.ts';
import { serve } from './serve.ts';
import { findStrays, removeStray } from './strays.ts';

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
    history: probeHistory(),
  };
  const { history } = settings;
  const found = (environment: string) =>
    findInstances(engine, { [label.installation]: installation, [label.environment]: environment });
  const namesOf = (instances: readonly Instance[]) => instances.map(({ name }) => name);

  const nameless = namelessInstances();
  return {
    name: 'docker',
    unsupported: (services) => services.flatMap(unsupportedOf),
    plan: async (target) => plannedChanges(target, await found(target.environment.id)),
    apply: (target, lease, signal, upTo) => apply(settings, target, lease, signal, upTo),
    serve: (target, instances, lease, signal) => serve(settings, nameless, target, instances, lease, signal),
    probe: (wanted, instance, signal) => probeInstance(settings, wanted, instance, signal),

    exchange: {
      by: 'halting',
      async halt(instances, signal) {
        await nameless.untilQuiet(namesOf(instances), signal);
        await Promise.all(instances.map(({ name }) => stopContainer(engine, name, { signal })));
      },
      async resume(instances, signal) {
        await Promise.all(
          instances.map(async ({ name, service }) => {
            try {
              await startContainer(engine, name, signal);
            } catch (error) {
              throw error instanceof DockerError ? await engineFailure(engine, service, error, name) : error;
            }
          }),
        );
      },
    },

    observe: async (environmentId) => (await found(environmentId)).map(({ instance }) => instance),
    async remove(instances, signal) {
      await nameless.untilQuiet(namesOf(instances), signal);
      await removeInstances(engine, instances, signal);
      for (const { name } of instances) {
        nameless.forget(name);
        history.forget(name);
      }
    },
    logs: (instance, options, signal) => instanceLogs(engine, instance.name, options, signal),
    tail: (instance, lines) => lastLines(engine, instance.name, lines),
    removeEnvironment: (id, { volumes }, signal) => removeEnvironment(engine, id, { volumes }, signal),
    async localImage(reference) {
      const image = await inspectImage(engine, reference);
      if (!image) return null;
      // A build of Eve labels its image, also one whose push failed.
      const isOurs =
        image.RepoDigests.length > 0 || image.Config?.Labels?.['org.opencontainers.image.title'] !== undefined;
      return { id: image.Id, byHand: !isOurs };
    },
    images: (prefixes) => engineImages(engine, prefixes),
    removeImage: (id) => removeEngineImage(engine, id),
    strays: (environments) => findStrays(engine, installation, environments),
    removeStray: (stray, signal) => removeStray(engine, installation, stray, signal),
  };
}

function unsupportedOf(service: Service): string[] {
  return service.replicas > 1 && hasWritableVolume(service)
    ? [`services.${service.name}.deploy.replicas: more than one instance cannot write to one volume`]
    : [];
}
