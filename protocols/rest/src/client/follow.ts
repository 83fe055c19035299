import { setTimeout as sleep } from 'node:timers/promises';
import type { LogEnd, LogEntry, LogState } from '../contract/index.ts';
import { ApiError, type ClientOptions, send } from './transport.ts';

/** What a follower sees: how the thing waits, its lines, and once its final state; and when the connection is lost and back, for people to know. */
export type LogEvent =
  | { readonly type: 'connection'; readonly lost: boolean; readonly message: string }
  | ({ readonly type: 'state' } & LogState)
  | ({ readonly type: 'log' } & LogEntry)
  | ({ readonly type: 'end' } & LogEnd);

export interface FollowOptions {
  readonly after?: number | undefined;
  readonly tail?: number | undefined;
  readonly step?: string | undefined;
  readonly attempt?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

// The server sends something every 15 s.
const longestSilenceMs = 45_000;
const longestFailureMs = 60_000;
const longestPauseMs = 5_000;

/** Follows a log to its end. A lost connection is taken up again after the last line seen; a minute of failures ends it. */
export async function* followLog(
  options: ClientOptions,
  route: string,
  { after, tail, step, attempt, signal, runId }: FollowOptions & { runId?: string | undefined } = {},
): AsyncGenerator<LogEvent, void, undefined> {
  let seen = after;
  let run = runId;
  let opened = false;
  let failures = 0;
  let failingSince = 0;
  for (;;) {
    using alive = silence(signal);
    let why = 'the server closed it';
    try {
      const response = await send(options, 'GET', route, {
        signal: alive.signal,
        query: { follow: true, step, attempt, run_id: run, after: seen, tail: seen === undefined ? tail : undefined },
        headers: { accept: 'text/event-stream', ...(seen !== undefined && { 'last-event-id': String(seen) }) },
      });
      if (!response.body) throw new ApiError('The log ended before it began.', { status: 0, code: 'answer_invalid' });
      opened = true;
      for await (const event of logEvents(alive.watch(response.body))) {
        if (failures > 0) yield { type: 'connection', lost: false, message: 'Connected again; the log goes on.' };
        failures = 0;
        if (event.type === 'log') seen = event.sequence;
        if (event.type === 'state' && event.subject_id.startsWith('brun_')) run = event.subject_id;
        yield event;
        if (event.type === 'end') return;
      }
    } catch (error) {
      if (signal?.aborted || !opened || !isPassing(error)) throw error;
      if (failures > 0 && Date.now() - failingSince > longestFailureMs) throw error;
      why = error instanceof Error ? error.message : String(error);
    }
    signal?.throwIfAborted();
    if (failures === 0) {
      failingSince = Date.now();
      const reason = why.replace(/\.$/, '');
      yield { type: 'connection', lost: true, message: `The connection is lost (${reason}); it is taken up again.` };
    }
    await sleep(Math.min(longestPauseMs, 200 * 2 ** failures++), undefined, { signal });
  }
}

interface Silence extends Disposable {
  readonly signal: AbortSignal;
  watch(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
}

/** Ends a request that nothing has come from for long: a connection may be gone without anybody telling. */
function silence(signal: AbortSignal | undefined): Silence {
  const silent = new AbortController();
  const timer = setTimeout(() => silent.abort(new Error('nothing came from the server')), longestSilenceMs);
  return {
    signal: signal ? AbortSignal.any([signal, silent.signal]) : silent.signal,
    async *watch(body) {
      for await (const part of body) {
        timer.refresh();
        yield part;
      }
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}

/** Whether a failure may be gone on another try: no answer, or one that says so. */
function isPassing(error: unknown): boolean {
  return !(error instanceof ApiError) || error.status === 0 || error.status === 429 || error.status >= 500;
}

async function* logEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<LogEvent> {
  for await (const { event, data } of serverSentEvents(body)) {
    if (event === 'log') yield { type: 'log', ...(JSON.parse(data) as LogEntry) };
    else if (event === 'state') yield { type: 'state', ...(JSON.parse(data) as LogState) };
    else if (event === 'end') yield { type: 'end', ...(JSON.parse(data) as LogEnd) };
  }
}

/** Takes an event stream apart: fields up to an empty line are one event; comments keep the connection alive. */
export async function* serverSentEvents(
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<{ event: string; data: string; id: string | null }> {
  const decoder = new TextDecoder();
  let rest = '';
  let event = 'message';
  let id: string | null = null;
  let data: string[] = [];
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const raw of lines) {
      const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
      if (line === '') {
        if (data.length > 0) yield { event, data: data.join('\n'), id };
        event = 'message';
        data = [];
        continue;
      }
      const colon = line.indexOf(':');
      const field = colon === -1 ? line : line.slice(0, colon);
      const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
      if (field === 'event') event = value;
      else if (field === 'data') data.push(value);
      else if (field === 'id') id = value;
    }
  }
}
