import {
  type DockerEngine,
  isDockerError,
  listContainers,
  listNetworks,
  listVolumes,
  removeContainer,
  removeNetwork,
  removeVolume,
  startContainer,
  stopContainer,
} from '@eve/adapter-docker';
import type { EnvironmentId } from '@eve/domain';
import type { Instance } from '@eve/operations';
import { type Found, findInstance, findInstances, label } from './found.ts';

/**
 * Stops and removes instances. Where they had replaced one that writes to the same volume, and nothing of the
 * service runs any more, the replaced one is started again: so a cancelled deploy leaves what was before.
 */
export async function removeInstances(
  engine: DockerEngine,
  instances: readonly Instance[],
  signal: AbortSignal,
): Promise<void> {
  const found = (await Promise.all(instances.map(({ name }) => findInstance(engine, name)))).filter(
    (each) => each !== null,
  );
  await Promise.all(found.map(({ container }) => stopAndRemove(engine, container.Id, signal)));
  const places = Map.groupBy(found, ({ container, instance }) => {
    return `${container.Config.Labels[label.environment]} ${instance.service}`;
  });
  for (const [first] of places.values()) {
    if (!first) continue;
    const { container, instance } = first;
    const environment = container.Config.Labels[label.environment] ?? '';
    const left = await findInstances(engine, { [label.environment]: environment, [label.service]: instance.service });
    await restoreNewest(engine, left);
  }
}

/** Removes everything that carries an environment's label; volumes only when asked. */
export async function removeEnvironment(
  engine: DockerEngine,
  environmentId: EnvironmentId,
  options: { readonly volumes: boolean },
  signal: AbortSignal,
): Promise<void> {
  const labels = [`${label.environment}=${environmentId}`];
  // Containers that run a command in the environment's network only carry its place.
  const networks = await listNetworks(engine, labels);
  const places = new Set(networks.flatMap(({ Labels }) => Labels[label.place] ?? []));
  const runs = await Promise.all([...places].map((place) => listContainers(engine, [`${label.place}=${place}`])));
  const containers = new Set([...(await listContainers(engine, labels)), ...runs.flat()].map(({ Id }) => Id));
  await Promise.all([...containers].map((id) => stopAndRemove(engine, id, signal)));
  for (const { Id } of networks) await removeNetwork(engine, Id);
  if (options.volumes) for (const { Name } of await listVolumes(engine, labels)) await removeVolume(engine, Name);
}

/** Ends a container within its grace period and removes it. */
export async function stopAndRemove(engine: DockerEngine, id: string, signal: AbortSignal): Promise<void> {
  await stopContainer(engine, id, { signal });
  await removeContainer(engine, id, signal);
}

async function restoreNewest(engine: DockerEngine, left: readonly Found[]): Promise<void> {
  if (left.some(({ instance }) => instance.state !== 'exited')) return;
  const named = left.findLast(({ instance }) => instance.named);
  const deploy = named?.instance.deployId;
  for (const { container, instance } of left) {
    if (!instance.named || instance.deployId !== deploy) continue;
    try {
      await startContainer(engine, container.Id);
    } catch (error) {
      if (!isDockerError(error)) throw error;
    }
  }
}
