import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { tryProgram } from '@eve/adapter-process';
import type { ClusterPlace } from './place.ts';

const root = '/sys/fs/cgroup';

/** The group of a cluster, below which its kubelet keeps those of pods and takes others for its own. */
export const groupOf = ({ bridge }: Pick<ClusterPlace, 'bridge'>) => `/${bridge}`;

/** Makes the group of a cluster in every hierarchy. */
export async function makeGroups(place: ClusterPlace): Promise<void> {
  const controllers = await readFile(join(root, 'cgroup.controllers'), 'utf8').catch(() => null);
  if (controllers !== null) {
    const wanted = controllers.trim().split(' ');
    await writeFile(join(root, 'cgroup.subtree_control'), wanted.map((name) => `+${name}`).join(' '));
  }
  for (const directory of controllers === null ? await hierarchies() : [root])
    await mkdir(join(directory, groupOf(place)), { recursive: true });
}

/** Where groups of a cluster are. */
export async function groupsOf(place: Pick<ClusterPlace, 'bridge'>): Promise<string[]> {
  const paths = [root, ...(await hierarchies())].map((directory) => join(directory, groupOf(place)));
  const found = await Promise.all(paths.map((path) => stat(path).catch(() => null)));
  return paths.filter((_, index) => found[index]?.isDirectory());
}

/** The processes of pods: whatever runs in the groups of a cluster. */
export async function pidsInGroups(place: Pick<ClusterPlace, 'bridge'>): Promise<number[]> {
  const found = new Set<number>();
  for (const group of await groupsOf(place))
    for (const entry of await readdir(group, { recursive: true }).catch(() => []))
      if (basename(entry) === 'cgroup.procs')
        for (const pid of (await readFile(join(group, entry), 'utf8').catch(() => '')).split('\n'))
          if (pid !== '') found.add(Number(pid));
  return [...found];
}

/** Removes the groups of a cluster, of which all processes have ended. */
export async function removeGroups(place: Pick<ClusterPlace, 'bridge'>): Promise<void> {
  for (const group of await groupsOf(place))
    await tryProgram({ file: 'find', args: [group, '-depth', '-type', 'd', '-delete'] }).catch(() => null);
}

/** The directories of the older form with one hierarchy for each controller; links to them are left out. */
async function hierarchies(): Promise<string[]> {
  const names = await readdir(root, { withFileTypes: true }).catch(() => []);
  return names.filter((entry) => entry.isDirectory()).map((entry) => join(root, entry.name));
}
