import { readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { allProcesses, hasEnded, type RunningProcess, send } from '@eve/adapter-process';
import { dockerdConfig } from './dockerd-arguments.ts';
import { canonical, findDockerd } from './engine.ts';
import { callEngine } from './engine-api.ts';
import type { EngineLayout } from './engine-state.ts';
import { engineLayout, readEngineState, writeEngineState } from './engine-state.ts';
import { removeFirewall } from './firewall.ts';
import { removeBridges, turnForwardingOff } from './machine-network.ts';
import { tryProgram } from './run-program.ts';

/**
 * Stops this installation's own engine with all its containers and takes its network away. What it keeps, images and
 * volumes, stays unless `removeData`. True when there was an engine of this installation.
 */
export async function stopEngine(dataDir: string, options: { removeData?: boolean } = {}): Promise<boolean> {
  const layout = engineLayout(await canonical(dataDir));
  const state = await readEngineState(layout);
  if (!state) return false;

  const dockerd = await findDockerd(layout);
  if (dockerd) await stopDockerd(layout, dockerd);
  await killLeftovers(layout);
  await unmountBelow([layout.directory, layout.runDir]);
  await removeBridges(state.ip, layout.bridge, state.network.block);
  await removeFirewall({ iptables: state.iptables, chain: layout.chain });
  if (state.turnedForwardingOn) await turnForwardingOff(state.ip);
  await removeCgroups(layout.cgroup);
  await rm(layout.runDir, { recursive: true, force: true });
  if (options.removeData) await rm(layout.directory, { recursive: true, force: true });
  else await writeEngineState(layout, { ...state, turnedForwardingOn: false, process: null });
  return true;
}

/** Containers would outlive dockerd with live restore on; off, they stop with it and start with it again. */
async function stopDockerd(layout: EngineLayout, dockerd: RunningProcess): Promise<void> {
  await writeFile(layout.configFile, dockerdConfig(null, false));
  send('SIGHUP', dockerd.pid);
  for (let attempt = 0; attempt < 40 && (await restoresLive(layout.socket)); attempt++) await sleep(50);
  send('SIGTERM', dockerd.pid);
  if (await hasEnded(dockerd, 60_000)) return;
  send('SIGKILL', dockerd.pid);
  await hasEnded(dockerd, 5_000);
}

async function restoresLive(socket: string): Promise<boolean> {
  const answer = await callEngine(socket, '/info', { timeoutMs: 5_000 }).catch(() => null);
  return answer?.status === 200 && /"LiveRestoreEnabled":\s*true/.test(answer.body);
}

/** Ends what a killed dockerd left: its containerd, the shims of its containers and everything below them. */
async function killLeftovers(layout: EngineLayout): Promise<void> {
  for (let round = 0; round < 20; round++) {
    const all = await allProcesses();
    const roots = all.filter(({ command }) => command.some((word) => word.includes(`${layout.execRoot}/`)));
    const ours = new Map(roots.map((it) => [it.pid, it]));
    for (let grew = true; grew; ) {
      const below = all.filter((it) => ours.has(it.parent) && !ours.has(it.pid));
      for (const it of below) ours.set(it.pid, it);
      grew = below.length > 0;
    }
    ours.delete(process.pid);
    if (ours.size === 0) return;
    for (const pid of ours.keys()) send('SIGKILL', pid);
    await sleep(100);
  }
}

async function unmountBelow(directories: readonly string[]): Promise<void> {
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  for (const place of mountsBelow(table, directories)) await tryProgram('umount', ['--lazy', '--', place]);
}

/** The mount points inside some directories, innermost first, from the text of `/proc/self/mountinfo`. */
export function mountsBelow(mountinfo: string, directories: readonly string[]): string[] {
  return mountinfo
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .map((place) => place.replace(/\\(\d{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8))))
    .filter((place) => directories.some((directory) => place.startsWith(`${directory}/`)))
    .reverse();
}

/** Control groups go one by one, from the innermost; both layouts of the kernel are looked at. */
async function removeCgroups(name: string): Promise<void> {
  const root = '/sys/fs/cgroup';
  const controllers = (await readdir(root).catch(() => [])).map((entry) => join(root, entry, name));
  for (const top of [join(root, name), ...controllers]) {
    const below = await readdir(top, { recursive: true, withFileTypes: true }).catch(() => []);
    const groups = below.filter((entry) => entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
    for (const group of [...groups.sort().reverse(), top]) await rmdir(group).catch(() => {});
  }
}
