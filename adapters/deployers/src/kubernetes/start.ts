import { annotation, type Event, type Pod } from '@eve/adapter-kubernetes';
import type { DeployId } from '@eve/domain';
import type { DeployerEvent, ServiceTarget } from '@eve/operations';
import { settleMs } from './deadlines.ts';
import { instanceOf, isReady, mainContainer, mainStatus } from './instance.ts';
import { eventsOf } from './pod-failure.ts';
import { failedProbes, type ProbeName, probeTitle } from './probe-events.ts';

/** Which pods are waited for. */
export interface Awaited {
  readonly namespace: string;
  readonly deployment: string;
  readonly wanted: ServiceTarget;
  /** So many have to be ready. */
  readonly replicas: number;
  readonly deployId: DeployId;
}

/** One pod on its way to be ready. Times are by this process's own clock, since those of machines differ. */
export interface Start {
  startedAt: number | null;
  readyAt: number | null;
  /** As it was when it became ready. */
  restarts: number;
  healthy: boolean;
  /** What its checks answered last, so that only a new answer is told. */
  told: string | null;
}

export function startOf(starts: Map<string, Start>, { metadata: { name } }: Pod): Start {
  const known = starts.get(name) ?? { startedAt: null, readyAt: null, restarts: 0, healthy: false, told: null };
  starts.set(name, known);
  return known;
}

/** What has become of a pod since the last look. */
export function* newsOf(
  { wanted: { service }, deployId }: Pick<Awaited, 'wanted' | 'deployId'>,
  pod: Pod,
  events: readonly Event[],
  start: Start,
): Generator<DeployerEvent> {
  const instance = instanceOf(pod, false);
  const status = mainStatus(pod);
  if (
    start.startedAt === null &&
    (status?.state?.running || status?.state?.terminated || status?.lastState?.terminated)
  ) {
    start.startedAt = performance.now();
    // One that an earlier deploy started is only waited for.
    if (pod.metadata.annotations?.[annotation.deploy] === deployId) yield { type: 'started', instance };
  }
  const probed = { type: 'probed', service: service.name, instance: instance.name } as const;
  for (const { at, ok, detail } of failedProbes(pod, eventsOf(pod, events))) {
    if (start.told === detail) continue;
    start.told = detail;
    yield { ...probed, probe: { at, ok, detail } };
  }
  const detail = readyFor(pod, start);
  if (detail === null) {
    start.healthy = false;
    return;
  }
  if (start.healthy) return;
  start.healthy = true;
  yield { ...probed, probe: { at: new Date(), ok: true, detail } };
  yield { type: 'healthy', instance };
}

/** What a pod is ready by; null while it is not. One that nobody asks is ready at once, and has to stay so for a moment. */
function readyFor(pod: Pod, start: Start): string | null {
  const status = mainStatus(pod);
  const restarts = status?.restartCount ?? 0;
  if (!isReady(pod) || !status?.state?.running) {
    start.readyAt = null;
    return null;
  }
  if (start.readyAt === null || start.restarts !== restarts) {
    start.readyAt = performance.now();
    start.restarts = restarts;
  }
  const container = pod.spec.containers.find(({ name }) => name === mainContainer);
  const asked = (['readiness', 'startup'] satisfies ProbeName[]).find((probe) => container?.[`${probe}Probe`]);
  if (asked) return `${probeTitle(container, asked)}: ready`;
  return performance.now() - start.readyAt >= settleMs ? `ran for ${settleMs} ms` : null;
}
