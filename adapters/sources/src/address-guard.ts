import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { isClosedAddress } from '@eve/adapter-process';
import { PlatformError } from '@eve/domain';

/** Finds the addresses of a host. */
export type Resolve = (host: string) => Promise<readonly string[]>;

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
