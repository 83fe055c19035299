import { annotation, type Deployment, kinds, type Pod, selector } from '@eve/adapter-kubernetes';
import type { DeployFailed } from '@eve/domain';
import type { DeployerEvent, ServiceTarget } from '@eve/operations';
import type { KubernetesSettings } from './context.ts';
import { createSuspicion } from './create-suspicion.ts';
import { checksDeadlineMs } from './deadlines.ts';
import { doubts } from './doubts.ts';
import { exitSuspicion } from './exit-suspicion.ts';
import { isLeaving, mainStatus } from './instance.ts';
import { type Look, looks } from './looks.ts';
import { podFailed, serviceFailed } from './pod-failed.ts';
import { eventsOf, podFailure } from './pod-failure.ts';
import { failedProbes } from './probe-events.ts';
import { type Awaited, newsOf, type Start, startOf } from './start.ts';
import type { Suspicion } from './suspicion.ts';

type Settings = Pick<KubernetesSettings, 'cluster' | 'minimumDeadlineMs' | 'now'>;

/** After this long without a pod, nobody makes pods. */
const idleMs = 60_000;

/**
 * Tells how a Deployment's pods of the wanted hash come up, and ends when enough of them are ready. Throws DeployFailed as soon
 * as it is clear that they will not be.
 */
export async function* untilReady(
  settings: Settings,
  awaited: Awaited,
  signal: AbortSignal,
): AsyncGenerator<DeployerEvent> {
  const { cluster } = settings;
  const { namespace, deployment, wanted, replicas } = awaited;
  if (replicas === 0) return;
  const made = await cluster.get(kinds.Deployment, deployment, namespace);
  if (!made) throw serviceFailed(wanted, goneSuspicion(wanted));

  const begun = performance.now();
  const starts = new Map<string, Start>();
  const doubted = doubts<Deployment | Pod>(({ metadata }) => metadata.uid ?? metadata.name);
  let endedBefore: ReadonlySet<string> | null = null;
  const stop = new AbortController();
  const labels = selector(made.spec.selector.matchLabels ?? {});
  const seen = looks(cluster, { namespace, deployment, labels }, AbortSignal.any([signal, stop.signal]));
  try {
    for await (const now of seen) {
      const mine = now.pods.filter((pod) => !isLeaving(pod) && hashOf(pod) === wanted.hash);
      endedBefore ??= new Set(mine.filter(hasFailed).map(({ metadata }) => metadata.name));
      const pods = mine.filter(({ metadata }) => !endedBefore?.has(metadata.name));
      for (const pod of pods) yield* newsOf(awaited, pod, now.events, startOf(starts, pod));
      if (pods.filter((pod) => startOf(starts, pod).healthy).length >= replicas) return;

      if (!now.deployment) throw serviceFailed(wanted, goneSuspicion(wanted));
      const { lasted, begun: rising } = doubted.hear(suspected(awaited, now, now.deployment, pods), performance.now());
      if (lasted) throw await failed(settings, awaited, lasted, now);
      for (const { message, patienceMs } of rising)
        if (patienceMs >= 5_000) yield { type: 'note', service: wanted.service.name, text: message };
      const late = await lateFailure(settings, awaited, pods, starts, now);
      if (late) throw late;
      if (now.pods.length === 0 && performance.now() - begun > idleMs)
        throw serviceFailed(wanted, idleSuspicion(wanted));
    }
    signal.throwIfAborted();
  } finally {
    stop.abort();
  }
}

function suspected(
  { wanted: { service } }: Awaited,
  { events }: Look,
  deployment: Deployment,
  pods: readonly Pod[],
): (readonly [Deployment | Pod, Suspicion])[] {
  const refused = createSuspicion(service.name, deployment);
  const ofPods = pods.flatMap((pod) => {
    const suspicion = podFailure(service.name, pod, events);
    return suspicion ? [[pod, suspicion] as const] : [];
  });
  return refused ? [[deployment, refused], ...ofPods] : ofPods;
}

function failed(
  settings: Settings,
  { wanted }: Awaited,
  [about, suspicion]: readonly [Deployment | Pod, Suspicion],
  { events }: Look,
): Promise<DeployFailed> | DeployFailed {
  return about.kind === 'Pod'
    ? podFailed(settings, wanted, about, events, suspicion)
    : serviceFailed(wanted, suspicion);
}

/** The failure of the pod that was given all the time that its checks have. */
async function lateFailure(
  settings: Settings,
  { wanted }: Awaited,
  pods: readonly Pod[],
  starts: Map<string, Start>,
  { events }: Look,
): Promise<DeployFailed | null> {
  const deadlineMs = Math.max(checksDeadlineMs(wanted), settings.minimumDeadlineMs);
  for (const pod of pods) {
    const { startedAt, healthy } = startOf(starts, pod);
    const ranMs = startedAt === null ? 0 : performance.now() - startedAt;
    if (healthy || ranMs < deadlineMs) continue;
    return podFailed(settings, wanted, pod, events, lateSuspicion(wanted, pod, events, ranMs));
  }
  return null;
}

function lateSuspicion({ service }: ServiceTarget, pod: Pod, events: Look['events'], ranMs: number): Suspicion {
  const status = mainStatus(pod);
  // On a busy machine the time runs out before the last restart: it has exited all the same.
  const exited = status?.lastState && exitSuspicion(service.name, pod, { ...status, state: status.lastState }, events);
  if (exited) return exited;
  const last = failedProbes(pod, eventsOf(pod, events)).at(-1)?.detail ?? 'its checks did not say yes';
  return {
    code: 'health_check_failed',
    message: `${service.name} was not healthy within ${Math.round(ranMs / 1000)} s: ${last}.`,
    hint: `${last.endsWith(': refused') ? 'Nothing listens there: it has to listen on all addresses of its pod, not only on localhost. ' : ''}A slow start needs a longer start_period.`,
    patienceMs: 0,
  };
}

function goneSuspicion({ service: { name } }: ServiceTarget): Suspicion {
  const message = `The Deployment of ${name} was removed by somebody else while it started.`;
  return { code: 'engine_error', message, hint: 'Deploy again.', patienceMs: 0 };
}

function idleSuspicion({ service: { name } }: ServiceTarget): Suspicion {
  return {
    code: 'infrastructure_error',
    message: `The cluster has made no pod of ${name} within ${idleMs / 1000} s, and does not say why.`,
    hint: 'Does its controller manager run? `kubectl describe deployment` may tell more.',
    patienceMs: 0,
  };
}

function hashOf({ metadata }: Pod): string | undefined {
  return metadata.annotations?.[annotation.hash];
}

function hasFailed({ status }: Pod): boolean {
  return status?.phase === 'Failed';
}
