import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Cluster,
  type ClusterLine,
  kinds,
  type LogSelection,
  label,
  type Pod,
  selector,
} from '@eve/adapter-kubernetes';
import type { RuntimeLine } from '@eve/operations';
import type { KubernetesSettings } from './context.ts';
import { isLeaving, mainContainer, mainStatus } from './instance.ts';

/** While an instance is between two runs, it is looked for again this often. */
const lookMs = 500;
/** Of a line in a report: it is read by people and kept for long. */
const longestLine = 10_000;
const never = new AbortController().signal;

/**
 * The pod of an instance, wherever it is; null when it is gone. Names are given at random: should two environments ever have the
 * same one, neither is told of, since it could be the other's.
 */
export async function podOf(
  { cluster, installation }: Pick<KubernetesSettings, 'cluster' | 'installation'>,
  instance: string,
): Promise<Pod | null> {
  const labels = selector({ [label.managedBy]: 'eve', [label.installation]: installation });
  const [pod, ...more] = await cluster.list(kinds.Pod, { labels, fields: `metadata.name=${instance}` });
  return more.length === 0 ? (pod ?? null) : null;
}

/** What an instance printed and, with `follow`, prints, over restarts too. A cluster does not tell the two streams apart. */
export async function* instanceLogs(
  settings: Pick<KubernetesSettings, 'cluster' | 'installation'>,
  name: string,
  { since, tail, follow = false }: { readonly since?: Date; readonly tail?: number; readonly follow?: boolean },
  signal: AbortSignal,
): AsyncGenerator<RuntimeLine> {
  const { cluster } = settings;
  try {
    let pod = await podOf(settings, name);
    if (!pod) return;
    const place = placeOf(pod);
    const before = pod;
    for (const line of await linesOfEarlierRun(cluster, before, { since, tail }, signal)) yield asRuntimeLine(line);
    let from: LogSelection = { since, tail };
    for (;;) {
      const run = mainStatus(pod)?.containerID;
      for await (const line of cluster.logs(place, { ...from, follow }, signal)) {
        // Runs of one pod follow each other: what was seen of one is not told again with the next.
        from = { after: line.time };
        yield asRuntimeLine(line);
      }
      if (!follow) return;
      for (;;) {
        await sleep(lookMs, undefined, { signal });
        pod = await cluster.get(kinds.Pod, name, place.namespace);
        if (!pod || isLeaving(pod) || pod.metadata.uid !== before.metadata.uid || hasEnded(pod)) return;
        if (mainStatus(pod)?.containerID !== run && mainStatus(pod)?.state?.running) break;
      }
      const missed = mainStatus(pod)?.lastState?.terminated?.containerID;
      if (missed && missed !== run)
        for await (const line of cluster.logs(place, { ...from, previous: true }, signal)) {
          from = { after: line.time };
          yield asRuntimeLine(line);
        }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** The last lines that a pod's service printed, those of its run before included; none when it is gone. */
export async function lastLines(cluster: Cluster, pod: Pod, lines: number, signal = never): Promise<string[]> {
  const earlier = await linesOfEarlierRun(cluster, pod, { tail: lines }, signal);
  const present = await all(cluster.logs(placeOf(pod), { tail: lines }, signal));
  return [...earlier, ...present].slice(-lines).map(({ text }) => text.slice(0, longestLine));
}

/** Of the run before the present one, as much as there is room for beside the present one's lines. */
async function linesOfEarlierRun(
  cluster: Cluster,
  pod: Pod,
  { since, tail }: { readonly since?: Date; readonly tail?: number },
  signal: AbortSignal,
): Promise<readonly ClusterLine[]> {
  if (!mainStatus(pod)?.lastState?.terminated) return [];
  const present = tail === undefined ? [] : await all(cluster.logs(placeOf(pod), { since, tail }, signal));
  const room = tail === undefined ? undefined : tail - present.length;
  if (room === 0) return [];
  return all(cluster.logs(placeOf(pod), { since, tail: room, previous: true }, signal));
}

function placeOf({ metadata: { name, namespace = '' } }: Pod) {
  return { namespace, pod: name, container: mainContainer };
}

function hasEnded({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

function asRuntimeLine({ at, text }: ClusterLine): RuntimeLine {
  return { at, stream: 'stdout', text };
}

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const read: Item[] = [];
  for await (const item of items) read.push(item);
  return read;
}
