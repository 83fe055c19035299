import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, type Deployment, type Event, kinds, type Pod } from '@eve/adapter-kubernetes';
import { isLeaving, isReady } from './instance.ts';

/** A Deployment and its pods as they were at one time. */
export interface Look {
  readonly deployment: Deployment | null;
  /** Those that leave among them. */
  readonly pods: readonly Pod[];
  /** About pods that are not ready. */
  readonly events: readonly Event[];
}

/** Without news it is looked again after this, since events are not watched. */
const lookMs = 500;
/** Changes come in swarms. */
const swarmMs = 40;
/** The events of more would tell the same. */
const mostTold = 5;

/** Looks at a Deployment's pods now, and again whenever one of them has changed, until the signal. */
export async function* looks(
  cluster: Cluster,
  { namespace, deployment, labels }: { namespace: string; deployment: string; labels: string },
  signal: AbortSignal,
): AsyncGenerator<Look> {
  let news = Promise.withResolvers<void>();
  let broken: { readonly error: unknown } | null = null;
  const watching = (async () => {
    for await (const _ of cluster.watch(kinds.Pod, { namespace, labels }, signal)) news.resolve();
  })().catch((error: unknown) => {
    broken = { error };
    news.resolve();
  });
  try {
    while (!signal.aborted) {
      if (broken) throw (broken as { readonly error: unknown }).error;
      yield await look(cluster, namespace, deployment, labels);
      await sleep(swarmMs, undefined, { signal });
      const waited = new AbortController();
      const pause = sleep(lookMs, undefined, { signal: AbortSignal.any([signal, waited.signal]) }).catch(
        () => undefined,
      );
      await Promise.race([news.promise, pause]);
      waited.abort();
      news = Promise.withResolvers();
    }
  } finally {
    // Whoever asked ends the signal; the watch ends with it.
    if (signal.aborted) await watching;
  }
}

/** What is there of a Deployment at this moment. */
export async function look(cluster: Cluster, namespace: string, deployment: string, labels: string): Promise<Look> {
  const [there, pods] = await Promise.all([
    cluster.get(kinds.Deployment, deployment, namespace),
    cluster.list(kinds.Pod, { namespace, labels }),
  ]);
  const told = pods.filter((pod) => !isReady(pod) && !isLeaving(pod)).slice(0, mostTold);
  const events = await Promise.all(told.map((pod) => eventsAbout(cluster, pod)));
  return { deployment: there, pods, events: events.flat() };
}

/** What the cluster tells of one pod. */
export function eventsAbout(cluster: Cluster, { metadata: { namespace, uid } }: Pod): Promise<readonly Event[]> {
  return cluster.list(kinds.Event, { namespace, fields: `involvedObject.kind=Pod,involvedObject.uid=${uid}` });
}
