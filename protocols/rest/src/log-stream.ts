import { terminalText } from '@eve/domain';
import type { Log, LogLine, Logs } from '@eve/operations';
import type { FastifyReply } from 'fastify';
import type { LogEnds } from './log-ends.ts';
import { linkedTo, type OpenStream, openStream, untilGone } from './open-stream.ts';
import type { OpenLog } from './operations.ts';
import { presentLine } from './present/builds.ts';

export type LogFormat = 'sse' | 'ndjson' | 'text';

export interface LogRange {
  readonly after: number;
  readonly tail: number | undefined;
  readonly filter: { readonly step?: string; readonly attempt?: number };
  readonly follow: boolean;
}

const batchLines = 1000;

/** The media type of each form. */
export const logTypes: Record<LogFormat, string> = {
  sse: 'text/event-stream; charset=utf-8',
  ndjson: 'application/x-ndjson; charset=utf-8',
  text: 'text/plain; charset=utf-8',
};

/** Sends a log line by line, and with `follow` goes on until its thing has ended, the client is gone or too slow, or the server stops. */
export async function streamLog(
  { platform, closing, logEnds }: { platform: { logs: Logs; log: Log }; closing: AbortSignal; logEnds: LogEnds },
  reply: FastifyReply,
  log: OpenLog,
  format: LogFormat,
  range: LogRange,
): Promise<void> {
  using stop = untilGone(reply, closing);
  const { signal } = stop;
  using stream = openStream(reply, {
    type: logTypes[format],
    signal,
    heartbeat: format === 'sse' ? () => ':\n\n' : null,
  });
  const out = writer(stream, format);
  try {
    await follow({ logs: platform.logs, logEnds, log, range, signal, out, isEvents: format === 'sse' });
    stream.end();
  } catch (error) {
    // The answer has begun: all that can be said now is that it is not whole.
    const isSlow = error instanceof Error && error.name === 'AbortError';
    if (!signal.aborted && !isSlow)
      platform.log.error({ subject: log.subject.id, error: String(error) }, 'a log could not be sent');
    stream.breakOff();
  }
}

interface Following {
  readonly logs: Logs;
  readonly logEnds: LogEnds;
  readonly log: OpenLog;
  readonly range: LogRange;
  readonly signal: AbortSignal;
  readonly out: Writer;
  readonly isEvents: boolean;
}

async function follow({ logs, logEnds, log, range, signal, out, isEvents }: Following): Promise<void> {
  const { step, attempt } = range.filter;
  const isWhole = step === undefined && attempt === undefined;
  let last = range.after;
  const send = async (lines: readonly LogLine[]) => {
    last = lines.at(-1)?.sequence ?? last;
    const isWanted = (line: LogLine) =>
      (step === undefined || line.step === step) && (attempt === undefined || line.attempt === attempt);
    await out.lines(isWhole ? lines : lines.filter(isWanted));
  };

  let said: string | null = null;
  const sayWaiting = (waiting: string | null) => {
    said = waiting;
    return out.event('state', { subject_id: log.subject.id, waiting });
  };
  if (isEvents) await sayWaiting(await log.waiting());
  if (range.tail !== undefined && range.after === 0) {
    await send(await logs.read(log.subject, { tail: range.tail, ...range.filter }));
  }
  let end = range.follow ? await log.finished() : null;
  if (range.follow && !end) {
    using watch = logEnds.watch(log, isEvents ? tellChange : null);
    using until = linkedTo(signal);
    watch.ended.then(until.abort, until.abort);
    await ignoringAbort(until.signal, async () => {
      for await (const lines of logs.follow(log.subject, last, until.signal)) {
        watch.heard();
        await send(lines);
      }
    });
    signal.throwIfAborted();
    end = await watch.ended;
  }
  for (let lines: readonly LogLine[]; ; ) {
    lines = await logs.read(log.subject, { after: last, limit: batchLines });
    if (lines.length === 0) break;
    await send(lines);
    signal.throwIfAborted();
  }
  if (isEvents && end) {
    const { state, failure } = end;
    const error = failure && { code: failure.code, message: failure.message, hint: failure.hint };
    await out.event('end', { state, error });
  }

  // Who is too slow for this ends with his next line.
  function tellChange(waiting: string | null): void {
    if (waiting !== said) sayWaiting(waiting).catch(() => {});
  }
}

interface Writer {
  lines(lines: readonly LogLine[]): Promise<void>;
  event(name: string, data: object): Promise<void>;
}

function writer(stream: OpenStream, format: LogFormat): Writer {
  return {
    lines: (lines) => stream.write(bytesOf(lines, format)),
    event: (name, data) => stream.write(serverSentEvent(name, data)),
  };
}

/** One event of an event stream. */
export function serverSentEvent(name: string, data: object, id?: string): string {
  return `event: ${name}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
}

// Followers who are at the same line are given the same lines: they are put into bytes once for all of them.
const formatted: Record<LogFormat, WeakMap<readonly LogLine[], Buffer>> = {
  sse: new WeakMap(),
  ndjson: new WeakMap(),
  text: new WeakMap(),
};

function bytesOf(lines: readonly LogLine[], format: LogFormat): Buffer {
  const known = formatted[format].get(lines);
  if (known) return known;
  const bytes = Buffer.from(lines.map((line) => textOf(line, format)).join(''));
  formatted[format].set(lines, bytes);
  return bytes;
}

function textOf(line: LogLine, format: LogFormat): string {
  if (format === 'text') return `[${line.at.toISOString().slice(11, 19)}] ${terminalText(line.text)}\n`;
  const json = JSON.stringify(presentLine(line));
  return format === 'ndjson' ? `${json}\n` : `event: log\nid: ${line.sequence}\ndata: ${json}\n\n`;
}

async function ignoringAbort(signal: AbortSignal, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
