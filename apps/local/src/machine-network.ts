import { readFile, writeFile } from 'node:fs/promises';
import { runProgram, tryProgram } from './run-program.ts';
import type { Subnet } from './subnet.ts';
import { overlaps, parseSubnet } from './subnet.ts';

const forwardingFile = '/proc/sys/net/ipv4/ip_forward';

interface AddressEntry {
  readonly ifname?: string;
  readonly addr_info?: readonly { readonly local?: string; readonly prefixlen?: number }[];
}

interface Interface {
  readonly name: string;
  readonly subnets: readonly Subnet[];
}

/** Every IPv4 block that an interface or a route of the machine uses, but for those of the interface `except`. */
export async function usedSubnets(ip: string, except: string): Promise<Subnet[]> {
  const interfaces = (await listInterfaces(ip)).filter(({ name }) => name !== except);
  // Output of `ip -json`, whose fields are documented by iproute2.
  const routes = JSON.parse(await runProgram(ip, ['-json', '-4', 'route', 'show', 'table', 'all'])) as readonly {
    readonly dst?: string;
    readonly dev?: string;
  }[];
  const routed = routes.filter(({ dev }) => dev !== except).map(({ dst }) => parseSubnet(dst ?? ''));
  return [...interfaces.flatMap(({ subnets }) => subnets), ...routed.filter((subnet) => subnet !== null)];
}

/** Makes the engine's bridge, or leaves the one that is there. */
export async function ensureBridge(ip: string, name: string, address: string): Promise<void> {
  await tryProgram(ip, ['link', 'add', 'name', name, 'type', 'bridge']);
  await runProgram(ip, ['address', 'replace', address, 'dev', name]);
  await runProgram(ip, ['link', 'set', 'dev', name, 'up']);
}

/** Removes the engine's bridge and every other one with an address in its block: those of its networks. */
export async function removeBridges(ip: string, bridge: string, block: string): Promise<void> {
  const within = parseSubnet(block);
  const ours = (await listInterfaces(ip, 'bridge')).filter(
    ({ name, subnets }) => name === bridge || (within && subnets.some((subnet) => overlaps(within, subnet))),
  );
  for (const { name } of ours) await tryProgram(ip, ['link', 'delete', 'dev', name]);
}

/** Lets the machine forward packets; true when it did not before. */
export async function turnForwardingOn(): Promise<boolean> {
  if ((await readFile(forwardingFile, 'utf8')).trim() === '1') return false;
  await writeFile(forwardingFile, '1');
  return true;
}

/** Takes forwarding back, unless another engine's bridge is there, which needs it. */
export async function turnForwardingOff(ip: string): Promise<void> {
  const others = (await listInterfaces(ip)).filter(({ name }) => /^(docker|eve-|br-|cni)/.test(name));
  if (others.length === 0) await writeFile(forwardingFile, '0');
}

async function listInterfaces(ip: string, type?: 'bridge'): Promise<Interface[]> {
  const only = type ? ['type', type] : [];
  // Output of `ip -json`, as above; entries of other types come as empty objects.
  const entries = JSON.parse(
    await runProgram(ip, ['-json', '-4', 'address', 'show', ...only]),
  ) as readonly AddressEntry[];
  return entries.flatMap(({ ifname, addr_info: addresses }) =>
    ifname === undefined
      ? []
      : [
          {
            name: ifname,
            subnets: (addresses ?? [])
              .map(({ local, prefixlen }) => parseSubnet(`${local}/${prefixlen}`))
              .filter((subnet) => subnet !== null),
          },
        ],
  );
}
