import { networkInterfaces } from 'node:os';
import {
  createNetwork,
  type DockerEngine,
  isDockerError,
  listNetworks,
  type Network,
  removeNetwork,
} from '@eve/adapter-docker';
import { label, namesNetworks } from './found.ts';

/** Addresses below this one are ours to give, those above the engine's: a release command gets one of those. */
const lastSlot = 199;

/** The networks of an environment, with the subnets of the networks of names. */
export interface Place {
  readonly name: string;
  readonly names: readonly { readonly network: string; readonly subnet: string }[];
}

/**
 * Makes an environment's networks, each a /24 of the pool, unless they are there: one for traffic, published ports and
 * the way out, and the internal ones of names. Their subnets are configured, because only then addresses may be.
 */
export async function ensurePlace(
  engine: DockerEngine,
  name: string,
  options: { readonly pool: string; readonly labels: Readonly<Record<string, string>> },
): Promise<Place> {
  const names = namesNetworks(name);
  let networks = await listNetworks(engine);
  const missing = [name, ...names].filter((each) => !networks.some(({ Name }) => Name === each));
  for (const network of missing) await makeNetwork(engine, network, network !== name, options);
  if (missing.length > 0) networks = await listNetworks(engine);
  const made = new Map(networks.map((network) => [network.Name, subnetOf(network) ?? '']));
  return { name, names: names.map((network) => ({ network, subnet: made.get(network) ?? '' })) };
}

/** An instance's address in a network of names. */
export function slotAddress(subnet: string, slot: number): string {
  return subnet.replace(/\.\d+\/\d+$/, `.${slot}`);
}

/** The lowest slot that is not taken. Undefined when a place is full. */
export function freeSlot(taken: ReadonlySet<number>): number | undefined {
  for (let slot = 2; slot <= lastSlot; slot++) if (!taken.has(slot)) return slot;
  return undefined;
}

/** The /24 networks of a pool such as `10.213.0.0/16` which none of these overlaps. */
export function* freeSubnets(pool: string, taken: readonly string[]): Generator<string> {
  const [first, last] = rangeOf(pool);
  const ranges = taken.map(rangeOf);
  for (let start = first; start + 255 <= last; start += 256)
    if (!ranges.some(([from, to]) => from <= start + 255 && to >= start))
      yield `${start >>> 24}.${(start >>> 16) & 255}.${(start >>> 8) & 255}.0/24`;
}

async function makeNetwork(
  engine: DockerEngine,
  name: string,
  internal: boolean,
  { pool, labels }: { pool: string; labels: Readonly<Record<string, string>> },
): Promise<void> {
  const networks = await listNetworks(engine);
  const onHost = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const taken = [
    ...networks.flatMap((network) => subnetOf(network) ?? []),
    ...onHost.flatMap(({ family, cidr }) => (family === 'IPv4' && cidr ? [cidr] : [])),
  ];
  for (const subnet of freeSubnets(pool, taken)) {
    const range = internal ? subnet.replace('.0/24', '.224/27') : undefined;
    try {
      const made = await createNetwork(engine, { name, subnet, range, internal, labels });
      return await giveWay(engine, name, made);
    } catch (error) {
      if (isDockerError(error, 409)) return;
      // Taken since we looked, or by something that the engine alone knows of: the next one.
      if (!isDockerError(error) || !/overlap/i.test(error.message)) throw error;
    }
  }
  throw new Error(`No subnet is left in the pool ${pool} for the network ${name} (${label.place}).`);
}

/** An engine asked twice at once makes two networks of one name: all but the one with the first id are removed by their makers. */
async function giveWay(engine: DockerEngine, name: string, made: string): Promise<void> {
  const alike = (await listNetworks(engine)).filter(({ Name }) => Name === name).map(({ Id }) => Id);
  if (alike.some((id) => id < made)) await removeNetwork(engine, made);
}

function subnetOf(network: Network): string | undefined {
  return network.IPAM.Config.find(({ Subnet }) => Subnet?.includes('.'))?.Subnet;
}

function rangeOf(cidr: string): [number, number] {
  const [address = '', bits = '32'] = cidr.split('/');
  const value = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(bits));
  const start = value - (value % size);
  return [start, start + size - 1];
}
