import { readdir, rm } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { tryProgram } from '@eve/adapter-process';
import { PlatformError } from '@eve/domain';

/** The network of a daemon's steps. */
export interface Bridge {
  readonly name: string;
  readonly subnet: string;
}

/** A bridge with addresses that no other interface of the machine has, the same again after a restart. */
export async function chooseBridge(id: string, pool: string): Promise<Bridge> {
  const name = bridgeName(id);
  const [, first, second] = /^(\d{1,3})\.(\d{1,3})\.0\.0\/16$/.exec(pool) ?? [];
  if (first === undefined || second === undefined)
    throw new PlatformError('request_invalid', 'The network pool of builds is a /16 such as 10.214.0.0/16.');
  const taken = new Set<number>();
  for (const [other, addresses] of Object.entries(networkInterfaces())) {
    for (const { family, address } of addresses ?? []) {
      const parts = address.split('.');
      if (other !== name && family === 'IPv4' && parts[0] === first && parts[1] === second) taken.add(Number(parts[2]));
    }
  }
  const start = Number.parseInt(id.slice(0, 4), 16) % 256;
  for (let step = 0; step < 256; step += 1) {
    const third = (start + step) % 256;
    if (!taken.has(third)) return { name, subnet: `${first}.${second}.${third}.0/24` };
  }
  throw new PlatformError('engine_unavailable', `No addresses are left in ${pool} for the steps of builds.`);
}

/** Takes the bridge of a daemon that is gone away, and what its programs left in the firewall and among the addresses. */
export async function removeBridge(id: string, subnet: string | null): Promise<void> {
  const name = bridgeName(id);
  await tryProgram({ file: 'ip', args: ['link', 'delete', name] }).catch(() => {}); // it may never have been made
  const addresses = subnet === null ? null : subnet.replace(/0\/24$/, '');
  for (const table of ['filter', 'nat']) {
    const listed = await tryProgram({ file: 'iptables', args: ['-t', table, '-S'] }).catch(() => null);
    for (const rule of ruleWords(listed?.stdout ?? '', name, addresses)) {
      await tryProgram({ file: 'iptables', args: ['-t', table, '-D', ...rule.slice(1)] });
      const chain = rule.at(-1) ?? '';
      if (!/^CNI-[0-9a-f]{24}$/.test(chain)) continue;
      for (const action of ['-F', '-X']) await tryProgram({ file: 'iptables', args: ['-t', table, action, chain] });
    }
  }
  if (addresses === null) return;
  for (const file of await readdir(leases).catch(() => []))
    if (file.startsWith(addresses)) await rm(join(leases, file), { force: true });
}

/** Where the program that gives out addresses notes them; the network's name is BuildKit's. */
const leases = '/var/lib/cni/networks/buildkit';

/** The rules about a bridge or its addresses, each as the words that name it. */
export function ruleWords(listed: string, bridge: string, addresses: string | null): string[][] {
  return listed
    .split('\n')
    .filter((line) => line.startsWith('-A '))
    .map((line) =>
      [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(
        ([, quoted, plain = '']) => quoted?.replace(/\\(.)/g, '$1') ?? plain,
      ),
    )
    .filter((words) =>
      words.some((word, at) => {
        if (['-i', '-o'].includes(words[at - 1] ?? '')) return word === bridge;
        return addresses !== null && ['-s', '-d'].includes(words[at - 1] ?? '') && word.startsWith(addresses);
      }),
    )
    .filter((words) => /^(?:CNI-|POSTROUTING$|FORWARD$)/.test(words[1] ?? ''));
}

function bridgeName(id: string): string {
  return `evb-${id}`;
}
