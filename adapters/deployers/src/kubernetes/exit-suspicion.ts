import {
  type ContainerEnd,
  type ContainerStatus,
  type Event,
  type Pod,
  ranOutOfMemory,
  startError,
  startWords,
} from '@eve/adapter-kubernetes';
import { mainContainer } from './instance.ts';
import { failedProbes } from './probe-events.ts';
import type { Suspicion } from './suspicion.ts';

/**
 * What a container means that has ended, or that is kept from starting again. One end may be an impatient program, which the
 * cluster starts again at once; after the second one it makes it wait. It need not say CrashLoopBackOff for that.
 */
export function exitSuspicion(
  service: string,
  pod: Pod,
  status: ContainerStatus,
  events: readonly Event[],
): Suspicion | null {
  const now = status.state?.terminated;
  const ended = now ?? status.lastState?.terminated;
  if (!ended) return status.state?.waiting?.reason === 'RunContainerError' ? notStarted(service, status) : null;
  if (status.state?.running) return null;
  const { restartCount: restarts } = status;
  const initially = pod.status?.initContainerStatuses?.some(({ name }) => name === status.name) ?? false;
  if (now && initially && now.exitCode === 0) return null;
  const outOfMemory = ranOutOfMemory(pod, status.name, ended, events);
  const notStartedFor = startError(ended);
  if (notStartedFor !== null) return startFailure(service, notStartedFor);
  if (restarts === 0 && !outOfMemory && pod.spec.restartPolicy !== 'Never') return null;
  const times = restarts > 0 ? ` and was restarted ${restarts} times` : '';
  const who = status.name === mainContainer ? service : `${service} (its container ${status.name})`;
  const killed = outOfMemory ? null : killedByProbe(pod, ended, events);
  if (killed)
    return {
      code: 'health_check_failed',
      message: `${service} was not healthy: ${killed}${times}.`,
      hint: 'The cluster ended it because it did not answer: check path, port and start period of the check.',
      patienceMs: 0,
    };
  return {
    code: outOfMemory ? 'resource_error' : 'container_exited',
    message: `${who} exited with ${ended.exitCode}${outOfMemory ? ' (out of memory)' : ''}${times} before it was healthy.`,
    hint: outOfMemory
      ? 'It needed more memory than its limit: raise deploy.resources.limits.memory.'
      : exitHint(ended.exitCode),
    patienceMs: 0,
  };
}

function startFailure(service: string, said: string): Suspicion {
  return {
    code: 'container_exited',
    message: `${service} could not be started: ${said}`,
    hint: 'Check command, entrypoint, user and working directory: the image has to hold the program they name.',
    patienceMs: 0,
  };
}

function notStarted(service: string, { state }: ContainerStatus): Suspicion {
  return { ...startFailure(service, startWords(state?.waiting?.message ?? '')), patienceMs: 2_000 };
}

/** The probe by which the kubelet ended a container, with its answer; null when it ended by itself. */
function killedByProbe(pod: Pod, { exitCode }: ContainerEnd, events: readonly Event[]): string | null {
  if (exitCode !== 137 && exitCode !== 143 && exitCode !== 0) return null;
  const kill = events.findLast(({ reason }) => reason === 'Killing');
  const probe = /failed (liveness|startup) probe/.exec(kill?.message ?? '')?.[1];
  if (!probe) return null;
  return failedProbes(pod, events).findLast((each) => each.probe === probe)?.detail ?? `its ${probe} probe failed`;
}

function exitHint(code: number): string {
  if (code === 127 || code === 126) return 'Its command was not found or may not be run: check command and entrypoint.';
  return code === 0
    ? 'It ended by itself: a service has to stay in the foreground; something that ends is a job.'
    : 'Its last lines say why; often a variable or something it depends on is missing.';
}
