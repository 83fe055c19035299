import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { PlatformError } from '@eve/domain';

/** Finds the addresses of a host. */
export type Resolve = (host: string) => Promise<readonly string[]>;

const closed = new BlockList();
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  closed.addSubnet(network, bits, 'ipv4');
for (const [network, bits] of [
  ['::', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const)
  closed.addSubnet(network, bits, 'ipv6');

/** Whether an address is one that only machines like ours should reach: private, loopback, link-local, metadata. */
export function isClosedAddress(address: string): boolean {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped) return isClosedAddress(mapped);
  const family = isIP(address);
  if (family === 0) return true;
  return closed.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

/** The addresses of a public host. Throws `source_refused` when one of them is not public, `source_unreachable` when there are none. */
export async function publicAddresses(host: string, resolve: Resolve = systemResolve): Promise<readonly string[]> {
  const literal = host.replace(/^\[(.*)\]$/, '$1');
  const addresses = isIP(literal) ? [literal] : await resolve(literal).catch(() => []);
  if (addresses.length === 0) throw new PlatformError('source_unreachable', `The host ${host} is not known.`);
  if (addresses.some(isClosedAddress))
    throw new PlatformError(
      'source_refused',
      `The host ${host} has an address that is not public; repositories of private networks must be allowed by the operator.`,
    );
  return addresses;
}

async function systemResolve(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}
