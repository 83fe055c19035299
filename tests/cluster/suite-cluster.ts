import { rm, stat, writeFile } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { processOf, runningFrom, tryProgram } from '@eve/adapter-process';
import { type Cluster, type ClusterOptions, startCluster } from './cluster.ts';
import type { ClusterPlace } from './place.ts';
import { removeCluster, tracesOf } from './remove-cluster.ts';

/** There is one per machine: kube-proxy's table has a fixed name. */
const directory = join(tmpdir(), 'eve-test-cluster');
const bridge = 'evetest0';
const ownerFile = `${directory}-owner`;

/**
 * Starts the cluster that the tests of one run share. What a run that was killed left behind is removed before; disposing
 * fails when anything of the cluster is left then.
 */
export async function openSuiteCluster(
  options: Pick<ClusterOptions, 'programs' | 'say' | 'signal'>,
): Promise<Cluster & { readonly directory: string }> {
  const owner = await runningFrom(ownerFile);
  if (owner) throw new Error(`Tests with a cluster run on this machine already, as process ${owner.pid}.`);
  const left = await stat(directory).catch(() => null);
  if (left) await removeCluster({ directory, bridge });
  const table = await tryProgram({ file: 'nft', args: ['list', 'table', 'ip', 'kube-proxy'] });
  if (table.code === 0) throw new Error('The services of another Kubernetes are on this machine already.');
  const own = await processOf(process.pid);
  await writeFile(ownerFile, JSON.stringify({ pid: process.pid, startTime: own?.startTime ?? '' }));
  const place: ClusterPlace = { directory, bridge, ...freeNets() };
  const cluster = await startCluster({ ...options, ...place });
  return {
    ...cluster,
    directory,
    async [Symbol.asyncDispose]() {
      await removeCluster(place);
      await rm(ownerFile, { force: true });
      const traces = await tracesOf(place);
      if (traces.length > 0) throw new Error(`The test cluster left behind: ${traces.join(', ')}`);
    },
  };
}

function freeNets(): Pick<ClusterPlace, 'podNet' | 'serviceNet'> {
  const taken = Object.values(networkInterfaces()).flatMap((all) => all?.map(({ address }) => address) ?? []);
  const isFree = (net: string) => !taken.some((address) => address.startsWith(`${net}.`));
  for (let second = 244; second > 200; second -= 2) {
    const [podNet, serviceNet] = [`10.${second}.0`, `10.${second + 1}.0`];
    if (isFree(`10.${second}`) && isFree(`10.${second + 1}`)) return { podNet, serviceNet };
  }
  throw new Error('No network is free for the pods of the test cluster.');
}
