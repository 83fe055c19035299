import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log, LogLine, Logs } from '@eve/operations';
import type { FastifyReply } from 'fastify';
import type { OpenLog } from './operations.ts';
import { presentLine } from './present/builds.ts';

export type LogFormat = 'sse' | 'ndjson' | 'text';

export interface LogRange {
  readonly after: number;
  readonly tail: number | undefined;
  readonly step: string | undefined;
  readonly follow: boolean;
}

const batchLines = 1000;
const heartbeatMs = 15_000;
const slowClientMs = 30_000;
const quietMs = 100;
const shortestPauseMs = 100;
const longestPauseMs = 2_000;

const types: Record<LogFormat, string> = {
  sse: 'text/event-stream; charset=utf-8',
  ndjson: 'application/x-ndjson; charset=utf-8',
  text: 'text/plain; charset=utf-8',
};

/** Sends a log line by line, and with `follow` goes on until its thing has ended, the client is gone or too slow, or the server stops. */
export async function streamLog(
  { platform, closing }: { platform: { logs: Logs; log: Log }; closing: AbortSignal },
  reply: FastifyReply,
  log: OpenLog,
  format: LogFormat,
  range: LogRange,
): Promise<void> {
  const gone = new AbortController();
  const { raw } = reply;
  raw.once('close', () => gone.abort());
  const signal = AbortSignal.any([gone.signal, closing]);
  reply.hijack();
  raw.writeHead(200, {
    ...headersOf(reply),
    'content-type': types[format],
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  // Node sends the headers with the first byte: a follower of a silent log would wait for both.
  if (format === 'sse') raw.write(':\n\n');
  else raw.flushHeaders();
  const heartbeat = setInterval(() => format === 'sse' && raw.write(':\n\n'), heartbeatMs);

  try {
    await follow({
      logs: platform.logs,
      log,
      range,
      signal,
      out: writer(raw, format, signal),
      isEvents: format === 'sse',
    });
    raw.end();
  } catch (error) {
    // The answer has begun: all that can be said now is that it is not whole.
    const isSlow = error instanceof Error && error.name === 'AbortError';
    if (!signal.aborted && !isSlow)
      platform.log.error({ subject: log.subject.id, error: String(error) }, 'a log could not be sent');
    raw.destroy();
  } finally {
    clearInterval(heartbeat);
  }
}

interface Following {
  readonly logs: Logs;
  readonly log: OpenLog;
  readonly range: LogRange;
  readonly signal: AbortSignal;
  readonly out: Writer;
  readonly isEvents: boolean;
}

async function follow({ logs, log, range, signal, out, isEvents }: Following): Promise<void> {
  const { step } = range;
  let last = range.after;
  const send = async (lines: readonly LogLine[]) => {
    last = lines.at(-1)?.sequence ?? last;
    await out.lines(step === undefined ? lines : lines.filter((line) => line.step === step));
  };

  if (isEvents) await out.event('state', { subject_id: log.subject.id, waiting: await log.waiting() });
  if (range.tail !== undefined && range.after === 0) {
    await send(await logs.read(log.subject, { tail: range.tail, ...(step !== undefined && { step }) }));
  }
  if (range.follow && !(await log.finished())) {
    const ended = new AbortController();
    const until = AbortSignal.any([signal, ended.signal]);
    const hearing: Hearing = { heardAt: 0, wake: () => undefined };
    const watching = watchEnd(log, hearing, until, isEvents ? out : null).then(
      () => ended.abort(),
      (error) => ended.abort(error),
    );
    await ignoringAbort(until, async () => {
      for await (const lines of logs.follow(log.subject, last, until)) {
        hearing.heardAt = performance.now();
        hearing.wake();
        await send(lines);
      }
    });
    ended.abort();
    await watching;
    signal.throwIfAborted();
  }
  for (let lines: readonly LogLine[]; ; ) {
    lines = await logs.read(log.subject, { after: last, limit: batchLines });
    if (lines.length === 0) break;
    await send(lines);
    signal.throwIfAborted();
  }
  const end = await log.finished();
  if (isEvents && end) {
    const { state, failure } = end;
    const error = failure && { code: failure.code, message: failure.message, hint: failure.hint };
    await out.event('end', { state, error });
  }
}

/** When the last line came, and what ends a nap of the watch when one comes. */
interface Hearing {
  heardAt: number;
  wake(): void;
}

/** Returns when the log's thing has ended: asked once it falls quiet after a line, and ever more seldom in silence. */
async function watchEnd(log: OpenLog, hearing: Hearing, signal: AbortSignal, out: Writer | null): Promise<void> {
  let waiting: string | null | undefined;
  let pause = shortestPauseMs;
  while (!signal.aborted) {
    const woken = await nap(pause, hearing, signal);
    for (let waited = 0; isSpeaking(hearing) && waited < longestPauseMs; waited += quietMs) {
      await ignoringAbort(signal, () => sleep(quietMs, undefined, { signal }));
    }
    if (signal.aborted || (await log.finished())) return;
    if (out && hearing.heardAt === 0) {
      const now = await log.waiting();
      if (now !== waiting) await out.event('state', { subject_id: log.subject.id, waiting: now });
      waiting = now;
    }
    pause = woken ? shortestPauseMs : Math.min(longestPauseMs, pause * 2);
  }
}

function isSpeaking({ heardAt }: Hearing): boolean {
  return heardAt > 0 && performance.now() - heardAt < quietMs;
}

/** Waits for a time or the next line; answers whether it was a line. */
async function nap(ms: number, hearing: Hearing, signal: AbortSignal): Promise<boolean> {
  const woken = new AbortController();
  hearing.wake = () => woken.abort();
  const either = AbortSignal.any([signal, woken.signal]);
  await ignoringAbort(either, () => sleep(ms, undefined, { signal: either }));
  return woken.signal.aborted;
}

interface Writer {
  lines(lines: readonly LogLine[]): Promise<void>;
  event(name: string, data: object): Promise<void>;
}

function writer(raw: ServerResponse, format: LogFormat, signal: AbortSignal): Writer {
  const write = async (text: string) => {
    signal.throwIfAborted();
    if (text === '' || raw.write(text)) return;
    await once(raw, 'drain', { signal: AbortSignal.any([signal, AbortSignal.timeout(slowClientMs)]) });
  };
  return {
    lines: (lines) => write(lines.map((line) => formatLine(line, format)).join('')),
    event: (name, data) => write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`),
  };
}

function formatLine(line: LogLine, format: LogFormat): string {
  if (format === 'text') return `[${line.at.toISOString().slice(11, 19)}] ${line.text}\n`;
  const json = JSON.stringify(presentLine(line));
  return format === 'ndjson' ? `${json}\n` : `event: log\nid: ${line.sequence}\ndata: ${json}\n\n`;
}

/** Headers set so far, for the part of an answer that is written past the framework. */
function headersOf(reply: FastifyReply): Record<string, string> {
  return Object.fromEntries(
    Object.entries(reply.getHeaders()).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
}

async function ignoringAbort(signal: AbortSignal, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
