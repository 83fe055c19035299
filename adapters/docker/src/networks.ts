import { z } from 'zod';
import type { DockerEngine } from './engine.ts';
import { isDockerError } from './error.ts';
import { Network, Volume } from './shapes.ts';

/** All networks, or those that have these labels. */
export async function listNetworks(engine: DockerEngine, labels: readonly string[] = []): Promise<Network[]> {
  const query = { filters: JSON.stringify({ label: labels }) };
  return z.array(Network).parse(await engine.call('GET', '/networks', { query }));
}

/** Makes a bridge network with a subnet of our choice, which static addresses need; answers with its id. */
export async function createNetwork(
  engine: DockerEngine,
  network: {
    readonly name: string;
    readonly subnet: string;
    /** Where the engine chooses addresses itself. */
    readonly range?: string;
    /** Without a way out. */
    readonly internal: boolean;
    readonly labels: Readonly<Record<string, string>>;
  },
): Promise<string> {
  const answer = await engine.call('POST', '/networks/create', {
    body: {
      Name: network.name,
      CheckDuplicate: true,
      Driver: 'bridge',
      Internal: network.internal,
      IPAM: {
        Driver: 'default',
        Config: [{ Subnet: network.subnet, ...(network.range && { IPRange: network.range }) }],
      },
      Labels: network.labels,
    },
  });
  return z.object({ Id: z.string() }).parse(answer).Id;
}

/** Connects a container to a network, with an address and names of its own. */
export async function connectNetwork(
  engine: DockerEngine,
  network: string,
  container: string,
  endpoint: { readonly address?: string; readonly aliases: readonly string[] },
): Promise<void> {
  await engine.call('POST', `/networks/${network}/connect`, {
    body: {
      Container: container,
      EndpointConfig: {
        Aliases: endpoint.aliases,
        ...(endpoint.address && { IPAMConfig: { IPv4Address: endpoint.address } }),
      },
    },
  });
}

/** Takes a container off a network; one that is not on it is fine. */
export async function disconnectNetwork(engine: DockerEngine, network: string, container: string): Promise<void> {
  try {
    await engine.call('POST', `/networks/${network}/disconnect`, { body: { Container: container, Force: true } });
  } catch (error) {
    if (isDockerError(error, 404)) return;
    if (isDockerError(error) && /is not connected/.test(error.message)) return;
    throw error;
  }
}

/** Removes a network; a missing one is fine. */
export async function removeNetwork(engine: DockerEngine, network: string): Promise<void> {
  try {
    await engine.call('DELETE', `/networks/${network}`);
  } catch (error) {
    if (isDockerError(error, 404)) return;
    const isBusy = isDockerError(error) && /has active endpoints/.test(error.message);
    if (!isBusy || !(await disconnectGone(engine, network))) throw error;
    await engine.call('DELETE', `/networks/${network}`);
  }
}

const Connected = z.object({ Containers: z.record(z.string(), z.object({ Name: z.string() })) });

/** Frees what the engine keeps for containers that were removed while they were being connected. Answers whether there were any. */
async function disconnectGone(engine: DockerEngine, network: string): Promise<boolean> {
  const { Containers } = Connected.parse(await engine.call('GET', `/networks/${network}`));
  let found = false;
  for (const [id, { Name }] of Object.entries(Containers)) {
    const isGone = await engine.call('GET', `/containers/${id}/json`).then(
      () => false,
      (error: unknown) => isDockerError(error, 404),
    );
    if (!isGone) continue;
    await disconnectNetwork(engine, network, Name);
    found = true;
  }
  return found;
}

/** Makes a named volume; one that exists stays as it is. */
export async function createVolume(
  engine: DockerEngine,
  name: string,
  labels: Readonly<Record<string, string>>,
): Promise<void> {
  await engine.call('POST', '/volumes/create', { body: { Name: name, Labels: labels } });
}

/** Named volumes that have these labels. */
export async function listVolumes(engine: DockerEngine, labels: readonly string[]): Promise<Volume[]> {
  const query = { filters: JSON.stringify({ label: labels }) };
  const answer = await engine.call('GET', '/volumes', { query });
  return z.object({ Volumes: z.array(Volume).nullable() }).parse(answer).Volumes ?? [];
}

/** How many bytes each named volume takes. The engine counts them all: slow where there are many. */
export async function volumeSizes(engine: DockerEngine): Promise<ReadonlyMap<string, number>> {
  const { Volumes } = z.object({ Volumes: z.array(Volume).nullable() }).parse(await engine.call('GET', '/system/df'));
  return new Map((Volumes ?? []).flatMap(({ Name, UsageData }) => (UsageData ? [[Name, UsageData.Size]] : [])));
}

/** Removes a named volume and its data; a missing one is fine. */
export async function removeVolume(engine: DockerEngine, name: string): Promise<void> {
  try {
    await engine.call('DELETE', `/volumes/${name}`);
  } catch (error) {
    if (!isDockerError(error, 404)) throw error;
  }
}
