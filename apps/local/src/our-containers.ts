import {
  type DockerEngine,
  dockerEngine,
  listContainers,
  listNetworks,
  listVolumes,
  removeContainer,
  removeImage,
  removeNetwork,
  removeVolume,
  startContainer,
  stopContainer,
} from '@eve/adapter-docker';
import type { Engine } from './engine.ts';

const client = ({ host }: Engine): DockerEngine => dockerEngine({ socketPath: host });
const labels = (installation: string) => [`eve.installation=${installation}`];

/** Starts what an earlier `npm stop` stopped, on an engine that is not ours and so did not start it itself. */
export async function reviveInstances(engine: Engine, installation: string, signal: AbortSignal): Promise<void> {
  if (engine.own) return;
  const stopped = (await listContainers(client(engine), labels(installation), signal)).filter(
    ({ State }) => State === 'exited',
  );
  await Promise.all(stopped.map(({ Id }) => startContainer(client(engine), Id, signal)));
}

/** Stops every container of an installation; they keep their place for the next start. */
export async function stopInstances(engine: Engine, installation: string, signal: AbortSignal): Promise<void> {
  const running = (await listContainers(client(engine), labels(installation), signal)).filter(
    ({ State }) => State !== 'exited',
  );
  await Promise.all(running.map(({ Id }) => stopContainer(client(engine), Id, { timeoutSeconds: 10, signal })));
}

/** How much was taken away. */
export interface Removed {
  readonly containers: number;
  readonly volumes: number;
}

/** Removes every container and network of an installation, and the volumes when asked. */
export async function removeInstances(
  engine: Engine,
  installation: string,
  { volumes }: { volumes: boolean },
  signal: AbortSignal,
): Promise<Removed> {
  await stopInstances(engine, installation, signal);
  const docker = client(engine);
  const containers = await listContainers(docker, labels(installation), signal);
  for (const { Id } of containers) await removeContainer(docker, Id, signal);
  for (const { Id } of await listNetworks(docker, labels(installation))) await removeNetwork(docker, Id);
  const unwanted = volumes ? await listVolumes(docker, labels(installation)) : [];
  for (const { Name } of unwanted) await removeVolume(docker, Name);
  return { containers: containers.length, volumes: unwanted.length };
}

/** Removes the engine's copies of the images that an installation's registry holds. */
export async function removeOurImages(engine: Engine, registryHost: string): Promise<void> {
  const docker = client(engine);
  // The engine's own answer: every image has these two, or null.
  const images = (await docker.call('GET', '/images/json')) as {
    RepoTags: string[] | null;
    RepoDigests: string[] | null;
  }[];
  const names = images.flatMap(({ RepoTags, RepoDigests }) => [...(RepoTags ?? []), ...(RepoDigests ?? [])]);
  const ours = names.filter((name) => name.startsWith(`${registryHost}/`));
  for (const name of ours) await removeImage(docker, name).catch(() => undefined);
}
