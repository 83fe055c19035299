import type { ProbeResult } from '@eve/domain';
import type { Instance, ServiceTarget } from '@eve/operations';
import type { KubernetesSettings } from './context.ts';
import { isLeaving, isReady, mainContainer, mainStatus } from './instance.ts';
import { podOf } from './instance-logs.ts';
import { eventsAbout } from './looks.ts';
import { eventsOf } from './pod-failure.ts';
import { failedProbes, type ProbeName, probeTitle } from './probe-events.ts';

/**
 * Whether an instance is still well, by what the kubelet found: it asks the checks. One that exited since it was read is not, even
 * if it was restarted.
 */
export async function probe(
  { cluster, installation, now }: Pick<KubernetesSettings, 'cluster' | 'installation' | 'now'>,
  _wanted: ServiceTarget,
  instance: Instance,
  signal: AbortSignal,
): Promise<readonly ProbeResult[]> {
  signal.throwIfAborted();
  const at = now();
  const not = (detail: string): readonly ProbeResult[] => [{ at, ok: false, detail }];
  const pod = await podOf({ cluster, installation }, instance.name);
  if (!pod) return not('it was removed');
  const { phase, reason } = pod.status ?? {};
  if (isLeaving(pod)) return not('it is being removed');
  const status = mainStatus(pod);
  const ended = status?.state?.terminated;
  if (ended || phase === 'Failed')
    return not(`exited with ${ended?.exitCode ?? 'nothing'}${reason ? ` (${reason})` : outOfMemory(ended?.reason)}`);
  if (!status?.state?.running)
    return not(`waits: ${status?.state?.waiting?.reason ?? phase ?? 'not yet on a machine'}`);
  const restarts = status.restartCount - instance.restarts;
  if (restarts > 0) return not(`exited and was restarted, ${restarts} times`);

  const container = pod.spec.containers.find(({ name }) => name === mainContainer);
  const has = (name: ProbeName) => container?.[`${name}Probe`] !== undefined;
  const title = has('readiness') ? probeTitle(container, 'readiness') : 'running';
  if (isReady(pod)) {
    const live = has('liveness') && probeTitle(container, 'liveness') !== title;
    const names = [title, ...(live ? [probeTitle(container, 'liveness')] : [])];
    return names.map((name) => ({ at, ok: true, detail: name === 'running' ? name : `${name}: ready` }));
  }
  const failed = failedProbes(pod, eventsOf(pod, await eventsAbout(cluster, pod))).at(-1);
  return not(failed?.detail ?? `${title}: not ready`);
}

function outOfMemory(reason: string | undefined): string {
  return reason === 'OOMKilled' ? ' (out of memory)' : '';
}
