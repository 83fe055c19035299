import { setTimeout as sleep } from 'node:timers/promises';
import { linesOf } from '@eve/adapter-process';
import { PlatformError } from '@eve/domain';
import type { Cluster, ClusterLine, ContainerPlace, LogSelection } from './cluster.ts';
import type { Connection } from './connection.ts';
import { isRefused, unreachable } from './error.ts';
import { kinds } from './kinds.ts';
import { logLine, saysGone } from './log-line.ts';
import { objectPath } from './paths.ts';
import { brokenOff, Patience } from './patience.ts';
import type { ContainerStatus, Pod } from './pod-spec.ts';
import { containerStatus } from './pod-status.ts';

/** A line longer than this is told in pieces: a program that never ends its line must not fill our memory. */
const longestLine = 1_048_576;
// The kubelet knows of an end at once, the API server up to some seconds later.
const askAgainMs = 500;

/** Whole lines of a container, with their times. A followed one outlives what breaks between us and its machine. */
export async function* containerLogs(
  connection: Connection,
  get: Cluster['get'],
  place: ContainerPlace,
  { follow = false, ...wanted }: LogSelection,
  patienceMs: number,
  signal: AbortSignal,
): AsyncGenerator<ClusterLine> {
  if (!follow || wanted.previous) {
    yield* linesFrom(connection, place, wanted, () => {}, signal);
    return;
  }
  const patience = new Patience(patienceMs);
  let followed: string | null = null;
  let rest: LogSelection = wanted;
  for (;;) {
    try {
      signal.throwIfAborted();
      const status = statusOf(await get(kinds.Pod, place.pod, place.namespace), place.container);
      if (status === 'gone') return;
      const current = status?.containerID;
      if (!current) {
        patience.succeeded();
        await sleep(askAgainMs, undefined, { signal });
        continue;
      }
      // It ended while we were away and another runs in its place, whose log is another.
      const previous = followed !== null && current !== followed;
      const isOver = previous || !status.state?.running;
      followed ??= current;
      const now = { ...rest, previous, follow: !isOver };
      // The machine may be away while the API server is not.
      for await (const line of linesFrom(connection, place, now, () => patience.succeeded(), signal)) {
        rest = { after: line.time };
        yield line;
      }
      if (isOver) return;
      await sleep(askAgainMs, undefined, { signal });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof PlatformError) || error.kind !== 'unavailable') throw error;
      await patience.wait(error, signal);
    }
  }
}

/** What the machine of the pod has now, or, with `follow`, tells until the container ends or something breaks. */
async function* linesFrom(
  { stream, server }: Connection,
  { namespace, pod, container }: ContainerPlace,
  { since, after, tail, previous, follow }: LogSelection,
  opened: () => void,
  signal: AbortSignal,
): AsyncGenerator<ClusterLine> {
  const from = after ?? since?.toISOString();
  let answer: Awaited<ReturnType<Connection['stream']>>;
  try {
    answer = await stream({
      method: 'GET',
      path: objectPath(kinds.Pod, pod, namespace, 'log'),
      query: {
        container,
        timestamps: true,
        follow: follow || undefined,
        previous: previous || undefined,
        // Whole seconds are all it takes; the rest is left out below.
        sinceTime: from && `${from.slice(0, 19)}Z`,
        tailLines: tail,
      },
      act: `read the log of ${container} in pod ${pod} in namespace ${namespace}`,
      signal,
    });
  } catch (error) {
    if (isRefused(error, 'not_found') || isNotThereYet(error)) return;
    throw error;
  }
  opened();
  let last = null as ClusterLine | null;
  let isCut = false;
  try {
    for await (const text of linesOf(answer, longestLine)) {
      const line: ClusterLine | null = logLine(text) ?? (isCut && last ? { ...last, text } : null);
      isCut = text.length >= longestLine;
      if (line === null) {
        if (!text || saysGone(text)) continue;
        throw unreachable(server, `the machine of pod ${pod} could not read the log (${text.slice(0, 500)})`);
      }
      last = line;
      if (after !== undefined ? line.time <= after : since !== undefined && line.at < since) continue;
      yield line;
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof PlatformError ? error : brokenOff(error, server);
  } finally {
    answer.destroy();
  }
  // A cut connection looks like an end of the log.
  signal.throwIfAborted();
}

/** 400: the container waits to be started, or there is no previous one. */
function isNotThereYet(error: unknown): boolean {
  return (
    isRefused(error, 'invalid') &&
    /is waiting to start|previous terminated container|does not have a host assigned|is not available/.test(
      error.message,
    )
  );
}

function statusOf(pod: Pod | null, container: string): ContainerStatus | undefined | 'gone' {
  if (pod === null) return 'gone';
  const found = containerStatus(pod, container);
  // Evicted, or never started: there is nothing to wait for.
  const isOver = pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded';
  return isOver && !found?.containerID ? 'gone' : found;
}
