import { request } from 'node:http';
import { connect } from 'node:net';
import { type Container, type DockerEngine, execute, inspectImage } from '@eve/adapter-docker';
import type { HttpCheck } from '@eve/domain';
import type { Instance, ServiceTarget } from '@eve/operations';

/** One answer of a check. */
export interface CheckAnswer {
  readonly ok: boolean;
  readonly detail: string;
}

/** How an instance is asked whether it is healthy, and for how long it may say no. */
export interface Check {
  /** Such as `GET /health/ready` or `the image's HEALTHCHECK`. */
  readonly name: string;
  /** The longest pause between two questions; they come faster at first. */
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly deadlineMs: number;
  /** Without a way to ask, running for this long is taken for healthy. */
  readonly settleMs: number | null;
  ask(signal: AbortSignal): Promise<CheckAnswer>;
}

/** All that an instance is asked. */
export interface Checks {
  /** Asked first, and only while it starts. */
  readonly startup: Check | null;
  /** The manifest's readiness, else what stands for it: liveness, the health check, the image's, its port, that it runs. */
  readonly ready: Check;
  /** Where it asks something else than readiness. */
  readonly live: Check | null;
}

/** The checks of an instance, as its service or image has them. */
export async function checksOf(
  engine: DockerEngine,
  wanted: ServiceTarget,
  instance: Instance,
  container: Container,
): Promise<Checks> {
  const { ready, startup, live } = wanted.service.probes;
  const chosen = ready ?? live ?? startup;
  const http = (probe: HttpCheck | null) => probe && httpCheck(wanted, instance, probe);
  const isOther = live && chosen && (live.path !== chosen.path || live.port !== chosen.port);
  return {
    startup: startup === chosen ? null : http(startup),
    ready: http(chosen) ?? (await commandCheck(engine, wanted, container)) ?? portCheck(wanted, instance),
    live: isOther ? http(live) : null,
  };
}

/** Asks once, for no longer than the check's own time. */
export async function askOnce(check: Check, signal: AbortSignal): Promise<CheckAnswer> {
  const answer = await check.ask(AbortSignal.any([signal, AbortSignal.timeout(check.timeoutMs)]));
  signal.throwIfAborted();
  return answer;
}

function httpCheck({ port }: ServiceTarget, instance: Instance, probe: HttpCheck): Check | null {
  const asked = probe.port ?? port;
  if (asked === null) return null;
  const published = publishedAt(instance, asked);
  const ask = (signal: AbortSignal) => askHttp(published, probe.path, signal);
  return { name: `GET ${probe.path} on port ${asked}`, ...timesOf(probe), ask };
}

async function commandCheck(
  engine: DockerEngine,
  { service }: ServiceTarget,
  container: Container,
): Promise<Check | null> {
  const command = container.Config.Healthcheck ?? (await inspectImage(engine, container.Image))?.Config?.Healthcheck;
  const [form, ...words] = command?.Test ?? [];
  if (!command || (form !== 'CMD' && form !== 'CMD-SHELL')) return null;
  const program = form === 'CMD' ? words : ['/bin/sh', '-c', words.join(' ')];
  return {
    name: service.healthcheck ? 'the health check' : "the image's HEALTHCHECK",
    ...timesOf({
      intervalMs: milliseconds(command.Interval) || 30_000,
      timeoutMs: milliseconds(command.Timeout) || 30_000,
      retries: command.Retries || 3,
      startPeriodMs: milliseconds(command.StartPeriod),
    }),
    ask: (signal) => askProgram(engine, container.Id, program, signal),
  };
}

function portCheck({ port }: ServiceTarget, instance: Instance): Check {
  const base = { intervalMs: 1_000, timeoutMs: 3_000, deadlineMs: 0 };
  if (port === null)
    return { name: 'stays running', ...base, settleMs: 1_500, ask: async () => ({ ok: true, detail: 'running' }) };
  const published = publishedAt(instance, port);
  return { name: `connect port ${port}`, ...base, settleMs: null, ask: (signal) => askTcp(published, port, signal) };
}

/** Any answer from 200 to 399 is healthy. */
export function askHttp(port: number, path: string, signal: AbortSignal): Promise<CheckAnswer> {
  return new Promise((resolve) => {
    const headers = { host: 'localhost', 'user-agent': 'eve-probe', connection: 'close' };
    const asked = request({ host: '127.0.0.1', port, path, headers, signal, agent: false }, (answer) => {
      // It may still be cut off in its body, which nobody asked for.
      answer.on('error', () => undefined).resume();
      const status = answer.statusCode ?? 0;
      resolve({ ok: status >= 200 && status < 400, detail: `GET ${path}: ${status}` });
    });
    asked.on('error', (error) => resolve({ ok: false, detail: `GET ${path}: ${reason(error)}` }));
    asked.end();
  });
}

/**
 * Whether something accepts behind a published port. The engine's own proxy accepts at once and hangs up when nothing
 * listens in the container, so the connection has to last a moment, or to bring data.
 */
export function askTcp(port: number, containerPort: number, signal: AbortSignal): Promise<CheckAnswer> {
  const { promise, resolve } = Promise.withResolvers<CheckAnswer>();
  const name = `connect port ${containerPort}`;
  const socket = connect({ host: '127.0.0.1', port, signal });
  const accepted = () => resolve({ ok: true, detail: `${name}: accepted` });
  const refused = (why: string) => resolve({ ok: false, detail: `${name}: ${why}` });
  socket.once('connect', () => setTimeout(accepted, 120));
  socket.once('data', accepted);
  socket.once('error', (error) => refused(reason(error)));
  socket.once('close', () => refused('refused'));
  return promise.finally(() => socket.destroy());
}

const longestSaid = 300;

async function askProgram(
  engine: DockerEngine,
  container: string,
  program: readonly string[],
  signal: AbortSignal,
): Promise<CheckAnswer> {
  try {
    // The engine asks it first after one whole interval, often 30 s; asked by ourselves the switch comes at once.
    const { code, output } = await execute(engine, container, program, signal);
    const said = firstOf(output.trim());
    return {
      ok: code === 0,
      detail: `health check exited with ${code ?? 'no code in time'}${said ? `: ${said}` : ''}`,
    };
  } catch (error) {
    return { ok: false, detail: `health check: ${signal.aborted ? 'no answer in time' : reason(error)}` };
  }
}

/** A part of a long text, without the word that is cut in two: half a secret would not be recognised as one. */
function firstOf(text: string): string {
  return text.length <= longestSaid ? text : text.slice(0, longestSaid).replace(/\S+$/, '…');
}

function timesOf(check: Pick<HttpCheck, 'intervalMs' | 'timeoutMs' | 'retries' | 'startPeriodMs'>) {
  const { intervalMs, timeoutMs, retries, startPeriodMs } = check;
  return { intervalMs, timeoutMs, deadlineMs: startPeriodMs + retries * (intervalMs + timeoutMs), settleMs: null };
}

function publishedAt(instance: Instance, containerPort: number): number {
  const port = instance.ports.find(({ container }) => container === containerPort)?.port;
  if (port === undefined) throw new Error(`Port ${containerPort} of ${instance.name} is not published.`);
  return port;
}

function milliseconds(nanoseconds: number): number {
  return nanoseconds / 1_000_000;
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'AbortError' || error.name === 'TimeoutError') return 'no answer in time';
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ECONNREFUSED' ? 'refused' : code === 'ECONNRESET' ? 'closed without an answer' : error.message;
}
