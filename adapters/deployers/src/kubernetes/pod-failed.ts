import type { Cluster, Event, Pod } from '@eve/adapter-kubernetes';
import { DeployFailed, type ProbeResult } from '@eve/domain';
import type { ServiceTarget } from '@eve/operations';
import { lastLines } from './instance-logs.ts';
import { eventsOf } from './pod-failure.ts';
import { asResults, failedProbes } from './probe-events.ts';
import type { Suspicion } from './suspicion.ts';

/** A machine that does not answer must not keep a failure from being told. */
const logsMs = 5_000;
const mostLines = 100;
const mostProbes = 20;

/** The failure of one pod, with what it printed and answered. */
export async function podFailed(
  { cluster }: { readonly cluster: Cluster },
  wanted: Pick<ServiceTarget, 'service'>,
  pod: Pod,
  events: readonly Event[],
  suspicion: Suspicion,
): Promise<DeployFailed> {
  const probes = asResults(failedProbes(pod, eventsOf(pod, events))).slice(-mostProbes);
  return serviceFailed(wanted, suspicion, { probes, logs: await printed(cluster, pod) });
}

/** The failure of a service of which no pod tells anything. */
export function serviceFailed(
  { service }: Pick<ServiceTarget, 'service'>,
  { code, message, hint }: Suspicion,
  { probes = [], logs = [] }: { readonly probes?: readonly ProbeResult[]; readonly logs?: readonly string[] } = {},
): DeployFailed {
  return new DeployFailed({ code, message, service: service.name, hint, probes, logs, instances: [] });
}

/** The last lines of a pod; none where they cannot be had. */
export async function printed(cluster: Cluster, pod: Pod): Promise<readonly string[]> {
  try {
    return await lastLines(cluster, pod, mostLines, AbortSignal.timeout(logsMs));
  } catch {
    return [];
  }
}
