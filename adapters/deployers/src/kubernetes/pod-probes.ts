import type { Container, Probe } from '@eve/adapter-kubernetes';
import type { HttpCheck } from '@eve/domain';
import type { ServiceTarget } from '@eve/operations';

type Handler = Pick<Probe, 'httpGet' | 'exec' | 'tcpSocket'>;

/** How a start is asked: often, so that it is seen at once, and for long, because whoever deploys decides when it is too late. */
const startSeconds = 1;
const longestStartSeconds = 120;

/** The probes of a service's container: its own, else what stands for them as with every deployer. */
export function podProbes(wanted: ServiceTarget): Pick<Container, 'startupProbe' | 'readinessProbe' | 'livenessProbe'> {
  const { startup, live } = wanted.service.probes;
  const ready = readinessOf(wanted);
  if (!ready) return {};
  const startHandler = (startup && httpOf(wanted, startup)) ?? ready.handler;
  const start = startup ?? ready;
  const startMs = start.startPeriodMs + start.retries * (start.intervalMs + start.timeoutMs);
  const liveHandler = live && httpOf(wanted, live);
  return {
    startupProbe: {
      ...startHandler,
      periodSeconds: startSeconds,
      timeoutSeconds: seconds(start.timeoutMs),
      failureThreshold: Math.max(longestStartSeconds, 2 * seconds(startMs)),
    },
    readinessProbe: {
      ...ready.handler,
      periodSeconds: seconds(ready.intervalMs),
      timeoutSeconds: seconds(ready.timeoutMs),
      failureThreshold: Math.max(1, ready.retries),
    },
    ...(liveHandler && {
      livenessProbe: {
        ...liveHandler,
        initialDelaySeconds: Math.ceil(live.startPeriodMs / 1000),
        periodSeconds: seconds(live.intervalMs),
        timeoutSeconds: seconds(live.timeoutMs),
        failureThreshold: Math.max(1, live.retries),
      },
    }),
  };
}

/** The manifest's readiness, else its liveness or startup, its health check, or that its port accepts; null when there is nothing to ask. */
function readinessOf(wanted: ServiceTarget) {
  const { port, service } = wanted;
  const { ready, live, startup } = service.probes;
  const check = ready ?? live ?? startup;
  const http = check && httpOf(wanted, check);
  if (check && http) return { handler: http, ...check };
  if (service.healthcheck) {
    const { test } = service.healthcheck;
    const command = test.shell ? ['/bin/sh', '-c', ...test.command] : test.command;
    return { handler: { exec: { command } } satisfies Handler, ...service.healthcheck };
  }
  if (port === null) return null;
  const tcp = { intervalMs: 5_000, timeoutMs: 3_000, retries: 3, startPeriodMs: 0 };
  return { handler: { tcpSocket: { port } } satisfies Handler, ...tcp };
}

function httpOf({ port }: ServiceTarget, check: HttpCheck): Handler | null {
  const asked = check.port ?? port;
  if (asked === null) return null;
  // Without it the pod's address would be the host that is asked for, which many frameworks refuse.
  const httpHeaders = [{ name: 'Host', value: 'localhost' }];
  return { httpGet: { path: check.path, port: asked, httpHeaders } };
}

function seconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}
