import { runProgram, tryProgram } from './run-program.ts';

/** One rule of one iptables chain. */
export interface FirewallRule {
  readonly table: 'filter' | 'nat';
  readonly chain: string;
  readonly rule: readonly string[];
}

export interface Firewall {
  readonly iptables: string;
  /** The chain of this engine, in both tables. */
  readonly chain: string;
  /** All of the engine's addresses. */
  readonly block: string;
}

/**
 * The rules of one engine. They are Eve's and not dockerd's, because a second dockerd on a machine flushes the chains of
 * the first: containers reach the outside, networks do not reach each other, and nobody outside reaches a container
 * but through a published port.
 */
export function firewallRules({ chain, block }: Pick<Firewall, 'chain' | 'block'>): FirewallRule[] {
  const within = ['-s', block, '-d', block];
  return [
    { table: 'filter', chain, rule: [...within, '-m', 'physdev', '--physdev-is-bridged', '-j', 'ACCEPT'] },
    { table: 'filter', chain, rule: [...within, '-j', 'DROP'] },
    { table: 'filter', chain, rule: ['-s', block, '-j', 'ACCEPT'] },
    {
      table: 'filter',
      chain,
      rule: ['-d', block, '-m', 'conntrack', '--ctstate', 'RELATED,ESTABLISHED', '-j', 'ACCEPT'],
    },
    { table: 'filter', chain, rule: ['-d', block, '-j', 'DROP'] },
    { table: 'nat', chain, rule: ['-s', block, '!', '-d', block, '-j', 'MASQUERADE'] },
  ];
}

/** Where each table calls the engine's chain. */
const callers = { filter: 'FORWARD', nat: 'POSTROUTING' } as const;

/** Puts the engine's rules in place; done again it changes nothing. */
export async function applyFirewall(firewall: Firewall): Promise<void> {
  const run = (...args: string[]) => runProgram(firewall.iptables, ['--wait', '10', ...args]);
  for (const table of ['filter', 'nat'] as const) {
    const made = await tryProgram(firewall.iptables, ['--wait', '10', '-t', table, '-N', firewall.chain]);
    if (made.code !== 0) await run('-t', table, '-F', firewall.chain);
  }
  for (const { table, chain, rule } of firewallRules(firewall)) await run('-t', table, '-A', chain, ...rule);
  for (const table of ['filter', 'nat'] as const) {
    const jump = [callers[table], '-j', firewall.chain];
    const there = await tryProgram(firewall.iptables, ['--wait', '10', '-t', table, '-C', ...jump]);
    if (there.code !== 0) await run('-t', table, '-I', ...jump);
  }
}

/** Takes the engine's rules away, whatever part of them is there. */
export async function removeFirewall({ iptables, chain }: Pick<Firewall, 'iptables' | 'chain'>): Promise<void> {
  for (const table of ['filter', 'nat'] as const) {
    await tryProgram(iptables, ['--wait', '10', '-t', table, '-D', callers[table], '-j', chain]);
    await tryProgram(iptables, ['--wait', '10', '-t', table, '-F', chain]);
    await tryProgram(iptables, ['--wait', '10', '-t', table, '-X', chain]);
  }
}
