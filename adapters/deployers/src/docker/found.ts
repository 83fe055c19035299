import { type Container, type DockerEngine, inspectContainer, inspectImage, listContainers } from '@eve/adapter-docker';
import type { DeployId } from '@eve/domain';
import type { Instance } from '@eve/operations';

/** What is written on each container, network and volume, so that any later process finds and understands it. */
export const label = {
  installation: 'eve.installation',
  /** `instance` of a service, or `run` for a container that runs to its end. */
  role: 'eve.role',
  tenant: 'eve.tenant',
  project: 'eve.project',
  environment: 'eve.environment',
  place: 'eve.place',
  deploy: 'eve.deploy',
  revision: 'eve.revision',
  revisionNumber: 'eve.revision-number',
  service: 'eve.service',
  hash: 'eve.hash',
  replica: 'eve.replica',
  /** The last number of its addresses in the networks of names. */
  slot: 'eve.slot',
  /** Loopback ports, as `3000=21007,9000=21008`: kept also while it is stopped. */
  ports: 'eve.ports',
  work: 'eve.work',
  fence: 'eve.fence',
} as const;

/** An instance together with the container that it is. */
export interface Found {
  readonly container: Container;
  readonly instance: Instance;
  readonly slot: number;
}

/** The two networks of names of a place; `naming.ts` says why there are two. */
export function namesNetworks(place: string): readonly string[] {
  return [`${place}-names`, `${place}-names-2`];
}

/** Reads back all instances with these labels, oldest first. */
export async function findInstances(engine: DockerEngine, labels: Readonly<Record<string, string>>): Promise<Found[]> {
  const wanted = Object.entries({ ...labels, [label.role]: 'instance' }).map(([name, value]) => `${name}=${value}`);
  const digests = new Map<string, Promise<readonly string[]>>();
  const digestsOf = (image: string): Promise<readonly string[]> => {
    const known = digests.get(image) ?? imageDigests(engine, image);
    digests.set(image, known);
    return known;
  };
  const summaries = await listContainers(engine, wanted);
  const found = await Promise.all(
    summaries.map(async ({ Id }) => {
      const container = await inspectContainer(engine, Id);
      return container && foundOf(container, await digestsOf(container.Image));
    }),
  );
  return found
    .filter((each) => each !== null)
    .toSorted((a, b) => a.container.Created.localeCompare(b.container.Created));
}

/** One instance as it is now, null when its container is gone. */
export async function findInstance(engine: DockerEngine, name: string): Promise<Found | null> {
  const container = await inspectContainer(engine, name);
  return container && foundOf(container, await imageDigests(engine, container.Image));
}

async function imageDigests(engine: DockerEngine, image: string): Promise<readonly string[]> {
  const { RepoDigests = [] } = (await inspectImage(engine, image)) ?? {};
  return [...new Set([...RepoDigests.map((digest) => digest.slice(digest.indexOf('@') + 1)), image])];
}

function foundOf(container: Container, digests: readonly string[]): Found {
  const { Labels: labels } = container.Config;
  const { Status: status, StartedAt: startedAt } = container.State;
  const service = labels[label.service] ?? '';
  const networks = container.NetworkSettings.Networks;
  return {
    container,
    slot: Number(labels[label.slot]),
    instance: {
      name: container.Name.slice(1),
      service,
      // Written by ourselves as a deploy's id.
      deployId: (labels[label.deploy] ?? '') as DeployId,
      hash: labels[label.hash] ?? '',
      ports: parsePorts(labels[label.ports] ?? '').map(([port, host]) => ({
        container: port,
        host: '127.0.0.1',
        port: host,
      })),
      named: networks[namesNetworks(labels[label.place] ?? '')[0] ?? '']?.Aliases.includes(service) ?? false,
      state: status === 'running' ? 'running' : status === 'restarting' ? 'restarting' : 'exited',
      restarts: container.RestartCount,
      digests,
      startedAt: startedAt.startsWith('0001-') ? null : new Date(startedAt),
    },
  };
}

/** Pairs of container port and loopback port. */
export function parsePorts(text: string): [number, number][] {
  return [...text.matchAll(/(\d+)=(\d+)/g)].map(([, container, host]) => [Number(container), Number(host)]);
}
