import { setTimeout as sleep } from 'node:timers/promises';
import { type Container, type DockerEngine, inspectContainer } from '@eve/adapter-docker';
import type { ProbeResult } from '@eve/domain';
import type { Instance, ServiceTarget } from '@eve/operations';
import { type CheckAnswer, checkOf } from './checks.ts';
import { deployFailed, exitFailure } from './failure.ts';

/** This many restarts during a start are a crash loop. Fewer may be an impatient program whose database was late. */
const crashLoop = 3;

/** Asks an instance until it is healthy; fails when it exits, restarts again and again, or is not healthy in time. */
export async function untilHealthy(
  { engine, now, minimumDeadlineMs }: { engine: DockerEngine; now: () => Date; minimumDeadlineMs: number },
  wanted: ServiceTarget,
  instance: Instance,
  onProbe: (probe: ProbeResult) => void,
  signal: AbortSignal,
): Promise<void> {
  const service = wanted.service.name;
  const probes: ProbeResult[] = [];
  const record = (answer: CheckAnswer) => {
    const probe = { at: now(), ...answer };
    const repeated = probes.at(-1)?.detail === probe.detail;
    probes.push(probe);
    if (!repeated || probe.ok) onProbe(probe);
  };

  const first = await inspectContainer(engine, instance.name, signal);
  if (!first) throw await goneFailure(engine, service, probes);
  const check = await checkOf(engine, wanted, instance, first);
  const begun = performance.now();
  // While it runs again the engine no longer says how it ended before.
  let ended: Container['State'] | null = null;
  const deadlineMs = Math.max(check.deadlineMs, minimumDeadlineMs);
  for (let pauseMs = 100; ; pauseMs = Math.min(pauseMs * 1.05, Math.max(100, Math.min(check.intervalMs, 1_000)))) {
    const container = await inspectContainer(engine, instance.name, signal);
    if (!container) throw await goneFailure(engine, service, probes);
    const { Status: status, ExitCode: code } = container.State;
    if (status !== 'running') ended = container.State;
    const exited = ended && { ...container, State: ended };
    if (exited && (status === 'exited' || status === 'dead' || container.RestartCount >= crashLoop))
      throw await exitFailure(engine, service, exited, probes);

    const elapsedMs = performance.now() - begun;
    if (status === 'running') {
      const answer = await check.ask(AbortSignal.any([signal, AbortSignal.timeout(check.timeoutMs)]));
      signal.throwIfAborted();
      if (check.settleMs === null || !answer.ok) record(answer);
      else if (elapsedMs >= check.settleMs) record({ ok: true, detail: `ran for ${check.settleMs} ms` });
      if (probes.at(-1)?.ok) return;
    } else record({ ok: false, detail: `${status}, exited with ${code}` });

    // On a busy machine the time runs out before the last restart: it has exited all the same.
    if (elapsedMs > deadlineMs && exited && container.RestartCount > 0)
      throw await exitFailure(engine, service, exited, probes);
    if (elapsedMs > deadlineMs)
      throw await deployFailed(engine, {
        code: 'health_check_failed',
        message: `${service} was not healthy within ${Math.round(deadlineMs / 1000)} s: ${probes.at(-1)?.detail}.`,
        service,
        hint: hintOf(wanted, check.name),
        container: container.Id,
        probes,
      });
    await sleep(pauseMs, undefined, { signal });
  }
}

function hintOf({ port }: ServiceTarget, check: string): string {
  const listens =
    port === null ? '' : ` It has to listen on 0.0.0.0:${port} (the variable PORT says so), not on localhost.`;
  return `Asked by: ${check}.${listens} A slow start needs a longer start_period.`;
}

function goneFailure(engine: DockerEngine, service: string, probes: readonly ProbeResult[]) {
  const message = `The container of ${service} was removed by somebody else while it started.`;
  return deployFailed(engine, { code: 'engine_error', message, service, hint: 'Deploy again.', probes });
}
