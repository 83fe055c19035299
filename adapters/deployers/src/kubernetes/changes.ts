import { setTimeout as sleep } from 'node:timers/promises';
import { type ClusterObject, type Kind, kinds, label, selector } from '@eve/adapter-kubernetes';
import type { EnvironmentId } from '@eve/domain';
import { eventChannel } from '../event-channel.ts';
import type { KubernetesSettings } from './context.ts';

/** What changes within this time is told once. */
const gatherMs = 250;

/** Environments in which an instance, or what is wanted of a service, has just changed; until the signal. */
export async function* changes(
  { cluster, installation }: Pick<KubernetesSettings, 'cluster' | 'installation'>,
  signal: AbortSignal,
): AsyncGenerator<EnvironmentId> {
  const channel = eventChannel<EnvironmentId>();
  const labels = selector({ [label.installation]: installation, [label.environment]: true, [label.slot]: true });
  const stop = new AbortController();
  const until = AbortSignal.any([signal, stop.signal]);
  const follow = async (kind: Kind) => {
    for await (const { object } of cluster.watch<ClusterObject>(kind, { labels }, until)) {
      const environment = object.metadata.labels?.[label.environment];
      // Written by ourselves as an environment's id.
      if (environment) channel.push(environment as EnvironmentId);
    }
  };
  const following = Promise.all([kinds.Pod, kinds.Deployment].map(follow)).then(channel.end, (error: unknown) => {
    if (until.aborted) channel.end();
    else channel.fail(error);
  });
  try {
    yield* gathered(channel.values(), until);
  } finally {
    stop.abort();
    await following;
  }
}

/** Each value once per burst. */
async function* gathered<Value>(values: AsyncGenerator<Value>, signal: AbortSignal): AsyncGenerator<Value> {
  const burst = new Set<Value>();
  let next = values.next();
  for (;;) {
    const first = await next;
    if (first.done) return;
    burst.add(first.value);
    next = values.next();
    const end = sleep(gatherMs, 'end' as const, { signal }).catch(() => 'end' as const);
    for (;;) {
      const more = await Promise.race([end, next]);
      if (more === 'end' || more.done) break;
      burst.add(more.value);
      next = values.next();
    }
    yield* burst;
    burst.clear();
  }
}
