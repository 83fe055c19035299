import { setTimeout as sleep } from 'node:timers/promises';
import type { InstanceChange, LogEnd, LogEntry, LogState, ServiceLine } from '../contract/index.ts';
import { ApiError, type Call, type ClientOptions, send } from './transport.ts';

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
  const call = (): Asked => ({
    query: { follow: true, step, attempt, run_id: run, after: seen, tail: seen === undefined ? tail : undefined },
    headers: seen === undefined ? {} : { 'last-event-id': String(seen) },
  });
  for await (const received of followEvents(options, route, call, signal)) {
    const event = received.type === 'connection' ? received : logEvent(received);
    if (event === null) continue;
    if (event.type === 'log') seen = event.sequence;
    if (event.type === 'state' && event.subject_id.startsWith('brun_')) run = event.subject_id;
    yield event;
    if (event.type === 'end') return;
  }
}

/** What a follower of services sees. */
export type ServiceLogEvent =
  | { readonly type: 'connection'; readonly lost: boolean; readonly message: string }
  | ({ readonly type: 'log' } & ServiceLine)
  | ({ readonly type: 'instance' } & InstanceChange)
  | { readonly type: 'end'; readonly reason: string };

/** Follows what services print, until the signal or until their environment is deleted; a lost connection as `followLog`. */
export async function* followServiceLog(
  options: ClientOptions,
  route: string,
  query: Readonly<Record<string, unknown>>,
  signal: AbortSignal | undefined,
): AsyncGenerator<ServiceLogEvent, void, undefined> {
  let seen: string | null = null;
  const call = (): Asked => ({
    query: { ...query, follow: true },
    headers: seen === null ? {} : { 'last-event-id': seen },
  });
  for await (const received of followEvents(options, route, call, signal)) {
    // The shapes are the server's promise, made by the same contract.
    if (received.type === 'connection') yield received;
    else if (received.event === 'log') {
      seen = received.id ?? seen;
      yield { type: 'log', ...(JSON.parse(received.data) as ServiceLine) };
    } else if (received.event === 'pod_changed')
      yield { type: 'instance', ...(JSON.parse(received.data) as InstanceChange) };
    else if (received.event === 'end') {
      yield { type: 'end', ...(JSON.parse(received.data) as { reason: string }) };
      return;
    }
  }
}

type Received =
  | { readonly type: 'connection'; readonly lost: boolean; readonly message: string }
  | { readonly type: 'event'; readonly event: string; readonly data: string; readonly id: string | null };

type Asked = Pick<Call, 'query' | 'headers'>;

/** The events of a stream that is asked for again when it breaks off, until the reader has had enough. */
async function* followEvents(
  options: ClientOptions,
  route: string,
  call: () => Asked,
  signal: AbortSignal | undefined,
): AsyncGenerator<Received, void, undefined> {
  let opened = false;
  let failures = 0;
  let failingSince = 0;
  for (;;) {
    using alive = silence(signal);
    let why = 'the server closed it';
    try {
      const { query, headers } = call();
      const response = await send(options, 'GET', route, {
        signal: alive.signal,
        query,
        headers: { accept: 'text/event-stream', ...headers },
      });
      if (!response.body) throw new ApiError('The log ended before it began.', { status: 0, code: 'answer_invalid' });
      opened = true;
      for await (const event of serverSentEvents(alive.watch(response.body))) {
        if (failures > 0) yield { type: 'connection', lost: false, message: 'Connected again; the log goes on.' };
        failures = 0;
        yield { type: 'event', ...event };
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

/** An event in the words of the contract; null for one that says nothing to a follower. */
function logEvent({ event, data }: { readonly event: string; readonly data: string }): LogEvent | null {
  if (event === 'log') return { type: 'log', ...(JSON.parse(data) as LogEntry) };
  if (event === 'state') return { type: 'state', ...(JSON.parse(data) as LogState) };
  if (event === 'end') return { type: 'end', ...(JSON.parse(data) as LogEnd) };
  return null;
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
