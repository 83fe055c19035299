import type { HttpCheck } from '@eve/domain';
import type { ServiceTarget } from '@eve/operations';

/** Without a way to ask, running for this long is taken for healthy. */
export const settleMs = 1_500;

/** How long after its start an instance may say that it is not healthy, by the checks of its service alone. */
export function checksDeadlineMs({ service: { probes, healthcheck } }: Pick<ServiceTarget, 'service'>): number {
  const chosen = probes.ready ?? probes.live ?? probes.startup ?? healthcheck;
  const asked = probes.startup === null || probes.startup === chosen ? [chosen] : [probes.startup, chosen];
  return asked.reduce((sum, check) => sum + (check === null ? 0 : patienceOf(check)), 0);
}

function patienceOf({ startPeriodMs, retries, intervalMs, timeoutMs }: Omit<HttpCheck, 'path' | 'port'>): number {
  return startPeriodMs + retries * (intervalMs + timeoutMs);
}
