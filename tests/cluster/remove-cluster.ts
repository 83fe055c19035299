import { access, readdir, rm, rmdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { allProcesses, runningFrom, runProgram, send, stopDetached, tryProgram } from '@eve/adapter-process';
import { groupsOf, pidsInGroups, removeGroups } from './control-groups.ts';
import { mountsBelow, unmountBelow } from './mounts.ts';
import { passingRules } from './network-settings.ts';
import { type ClusterPlace, containerdSocket } from './place.ts';
import { ctr, kubectl, pidFileOf, servers } from './servers.ts';

/** What has to be known of a cluster to remove it. */
type Removable = Pick<ClusterPlace, 'directory' | 'bridge'>;

const patienceMs = 5_000;
const logLinks = '/var/log/containers';
const givenAway = '/tmp/hostpath_pv';

/** What is made outside the cluster's directory and cannot be had elsewhere; gone when it is empty. */
const outside = [givenAway, '/var/lib/kubelet/device-plugins', '/var/lib/kubelet', logLinks];

/** Ends every server and pod of a cluster's directory, and removes its network, its mounts and the directory. */
export async function removeCluster(place: Removable): Promise<void> {
  const { directory, bridge } = place;
  const volumes = await volumesOf(place);
  // Before its pods, which it would start again.
  await stopDetached(pidFileOf(place, 'kubelet'), patienceMs);
  if (await runningFrom(pidFileOf(place, 'containerd'))) await endPods(place);
  for (const server of [...servers].reverse()) await stopDetached(pidFileOf(place, server), patienceMs);
  await endLeftovers(place);
  await unmountBelow(directory);
  await quietly('ip', 'link', 'del', bridge);
  for (const [family, table] of tablesOf(bridge)) await quietly('nft', 'delete', 'table', family, table);
  for (const rule of passingRules(bridge)) await quietly('iptables', '--wait', '10', '-D', ...rule);
  await removeGroups(place);
  await quietly('find', logLinks, '-lname', `${directory}/*`, '-delete');
  for (const volume of volumes) await rm(volume, { recursive: true, force: true });
  await forgetKubelet();
  for (const name of outside) await rmdir(name).catch(() => {});
  await rm(directory, { recursive: true, force: true, maxRetries: 3 });
}

/** Every kubelet of a machine listens for devices in the same place. */
async function forgetKubelet(): Promise<void> {
  const others = (await allProcesses()).some(({ command }) => basename(command[0] ?? '') === 'kubelet');
  if (!others) await rm('/var/lib/kubelet/device-plugins/kubelet.sock', { force: true });
}

/** The directories that the cluster has given away as volumes. */
async function volumesOf(place: Removable): Promise<string[]> {
  if (!(await runningFrom(pidFileOf(place, 'kube-apiserver')))) return [];
  const paths = '-o=jsonpath={.items[*].spec.hostPath.path}';
  const listed = await kubectl(place, ['get', 'persistentvolumes', paths]).catch(() => '');
  return listed.split(' ').filter((path) => path.startsWith(`${givenAway}/`));
}

async function endPods(place: Removable): Promise<void> {
  const listed = async (what: string) =>
    (await ctr(place, what, 'ls', '-q').catch(() => '')).split('\n').filter((id) => id !== '');
  for (const task of await listed('tasks')) await ctr(place, 'tasks', 'kill', '-s', 'KILL', '-a', task).catch(() => {});
  for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += 100) {
    if (!(await ctr(place, 'tasks', 'ls').catch(() => '')).includes('RUNNING')) break;
    await sleep(100);
  }
  for (const task of await listed('tasks')) await ctr(place, 'tasks', 'rm', '-f', task).catch(() => {});
  const results = '/var/lib/cni/results';
  for (const container of await listed('containers')) {
    await ctr(place, 'containers', 'rm', container).catch(() => {});
    for (const name of await readdir(results).catch(() => []))
      if (name.includes(container)) await rm(join(results, name), { force: true });
  }
}

/** What still runs where containerd was not there to end it: pods, and the programs that watch them. */
async function endLeftovers(place: Removable): Promise<void> {
  const watching = (await allProcesses()).filter(({ command }) => command.includes(containerdSocket(place)));
  for (const pid of [...watching.map(({ pid }) => pid), ...(await pidsInGroups(place))]) send('SIGKILL', pid);
  for (let waitedMs = 0; waitedMs < patienceMs && (await pidsInGroups(place)).length > 0; waitedMs += 100)
    await sleep(100);
}

/** What is there of a cluster outside its directory, and the directory. */
export async function tracesOf(place: Removable): Promise<string[]> {
  const { directory, bridge } = place;
  const tables = (await runProgram({ file: 'nft', args: ['list', 'tables'] })).stdout.split('\n');
  const passing = await tryProgram({ file: 'iptables', args: ['--wait', '10', '-S', 'FORWARD'] });
  const links = await tryProgram({ file: 'find', args: [logLinks, '-lname', `${directory}/*`] });
  const processes = (await allProcesses()).filter(({ command }) => command.some((word) => word.includes(directory)));
  return [
    ...(await Promise.all([directory, `/sys/class/net/${bridge}`].map(ifThere))).flat(),
    ...(await mountsBelow(directory)),
    ...(await groupsOf(place)),
    ...tablesOf(bridge)
      .map(([family, table]) => `table ${family} ${table}`)
      .filter((table) => tables.includes(table)),
    ...passing.stdout.split('\n').filter((rule) => rule.includes(` ${bridge} `)),
    ...links.stdout.split('\n').filter(Boolean),
    ...processes.map(({ pid, command }) => `process ${pid} (${command[0]})`),
  ];
}

const tablesOf = (bridge: string) =>
  [
    ['ip', bridge],
    ['ip', 'kube-proxy'],
    ['ip6', 'kube-proxy'],
  ] as const;

function ifThere(path: string): Promise<string[]> {
  return access(path).then(
    () => [path],
    () => [],
  );
}

async function quietly(file: string, ...args: string[]): Promise<void> {
  await tryProgram({ file, args }).catch(() => null);
}
