import { setTimeout as sleep } from 'node:timers/promises';
import { type Container, inspectContainer } from '@eve/adapter-docker';
import type { ProbeResult } from '@eve/domain';
import type { Instance, ServiceTarget } from '@eve/operations';
import { askOnce, type Check, type CheckAnswer, checksOf } from './checks.ts';
import type { DeployerSettings } from './context.ts';
import { deployFailed, exitFailure } from './failure.ts';
import { listenersIn, listeningHint } from './listening.ts';

/** This many restarts during a start are a crash loop. Fewer may be an impatient program whose database was late. */
const crashLoop = 3;

/** One instance on its way to be healthy. */
interface Start {
  readonly settings: Pick<DeployerSettings, 'engine' | 'minimumDeadlineMs'>;
  readonly wanted: ServiceTarget;
  readonly instance: string;
  readonly begun: number;
  readonly probes: ProbeResult[];
  record(answer: CheckAnswer): void;
  /** While it runs again the engine no longer says how it ended before. */
  ended: Container['State'] | null;
}

/** Asks an instance until it is healthy; fails when it exits, restarts again and again, or is not healthy in time. */
export async function untilHealthy(
  settings: Pick<DeployerSettings, 'engine' | 'now' | 'minimumDeadlineMs' | 'history'>,
  wanted: ServiceTarget,
  instance: Instance,
  onProbe: (probe: ProbeResult) => void,
  signal: AbortSignal,
): Promise<void> {
  const { engine, now, history } = settings;
  const probes: ProbeResult[] = [];
  const record = (answer: CheckAnswer) => {
    const probe = { at: now(), ...answer };
    const repeated = probes.at(-1)?.detail === probe.detail;
    probes.push(probe);
    history.add(instance.name, probe);
    if (!repeated || probe.ok) onProbe(probe);
  };
  const start: Start = {
    ...{ settings, wanted, instance: instance.name, probes, record },
    begun: performance.now(),
    ended: null,
  };
  const container = await inspectContainer(engine, instance.name, signal);
  if (!container) throw await goneFailure(start);
  const { startup, ready } = await checksOf(engine, wanted, instance, container);
  if (startup) await untilYes(start, startup, signal);
  await untilYes(start, ready, signal);
}

async function untilYes(start: Start, check: Check, signal: AbortSignal): Promise<void> {
  const { settings, wanted, instance, begun, probes, record } = start;
  const { engine, minimumDeadlineMs } = settings;
  const service = wanted.service.name;
  const asked = performance.now();
  const deadline = Math.max(asked + check.deadlineMs, begun + minimumDeadlineMs);
  for (let pauseMs = 100; ; pauseMs = Math.min(pauseMs * 1.05, Math.max(100, Math.min(check.intervalMs, 1_000)))) {
    const container = await inspectContainer(engine, instance, signal);
    if (!container) throw await goneFailure(start);
    const { Status: status, ExitCode: code } = container.State;
    if (status !== 'running') start.ended = container.State;
    const exited = start.ended && { ...container, State: start.ended };
    if (exited && (status === 'exited' || status === 'dead' || container.RestartCount >= crashLoop))
      throw await exitFailure(engine, service, exited, probes);

    const askedMs = performance.now() - asked;
    if (status === 'running') {
      const answer = await askOnce(check, signal);
      const settled = check.settleMs === null || askedMs >= check.settleMs;
      if (!answer.ok || check.settleMs === null) record(answer);
      else if (settled) record({ ok: true, detail: `ran for ${check.settleMs} ms` });
      if (answer.ok && settled) return;
    } else record({ ok: false, detail: `${status}, exited with ${code}` });

    if (performance.now() > deadline) {
      // On a busy machine the time runs out before the last restart: it has exited all the same.
      if (exited && container.RestartCount > 0) throw await exitFailure(engine, service, exited, probes);
      throw await lateFailure(start, check, container, signal);
    }
    // A program that did not answer may still run in the container: asked at once again, they would become many.
    const late = performance.now() - asked - askedMs >= check.timeoutMs;
    await sleep(late ? Math.max(pauseMs, Math.min(check.intervalMs, 5_000)) : pauseMs, undefined, { signal });
  }
}

async function lateFailure(
  { settings, wanted, begun, probes }: Start,
  check: Check,
  container: Container,
  signal: AbortSignal,
) {
  const { engine } = settings;
  const { port, service } = wanted;
  const seconds = Math.round((performance.now() - begun) / 1000);
  const listening = port === null ? '' : listeningHint(port, await listenersIn(engine, container.Id, signal));
  return deployFailed(engine, {
    code: 'health_check_failed',
    message: `${service.name} was not healthy within ${seconds} s: ${probes.at(-1)?.detail}.`,
    service: service.name,
    hint: [`Asked by: ${check.name}.`, listening, 'A slow start needs a longer start_period.']
      .filter(Boolean)
      .join(' '),
    container: container.Id,
    probes,
  });
}

function goneFailure({ settings, wanted, probes }: Start) {
  const service = wanted.service.name;
  const message = `The container of ${service} was removed by somebody else while it started.`;
  return deployFailed(settings.engine, {
    code: 'engine_error',
    message,
    service,
    hint: 'Deploy again.',
    probes,
  });
}
