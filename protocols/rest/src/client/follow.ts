import { setTimeout as sleep } from 'node:timers/promises';
import type { LogEnd, LogEntry, LogState } from '../contract/index.ts';
import { ApiError, type ClientOptions, send } from './transport.ts';

/** What a follower sees: how the thing waits, its lines, and once its final state. */
export type LogEvent =
  | ({ readonly type: 'state' } & LogState)
  | ({ readonly type: 'log' } & LogEntry)
  | ({ readonly type: 'end' } & LogEnd);

export interface FollowOptions {
  readonly after?: number | undefined;
  readonly tail?: number | undefined;
  readonly step?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

const longestSilenceMs = 60_000;
const longestPauseMs = 5_000;

/** Follows a log to its end. A lost connection is taken up again after the last line seen; a minute of failures ends it. */
export async function* followLog(
  options: ClientOptions,
  route: string,
  { after, tail, step, signal, runId }: FollowOptions & { runId?: string | undefined } = {},
): AsyncGenerator<LogEvent, void, undefined> {
  let seen = after;
  let run = runId;
  let opened = false;
  let failures = 0;
  let heardAt = Date.now();
  for (;;) {
    try {
      const response = await send(options, 'GET', route, {
        signal,
        query: { follow: true, step, run_id: run, after: seen, tail: seen === undefined ? tail : undefined },
        headers: { accept: 'text/event-stream', ...(seen !== undefined && { 'last-event-id': String(seen) }) },
      });
      opened = true;
      if (!response.body) throw new ApiError('The log ended before it began.', { status: 0, code: 'answer_invalid' });
      for await (const event of logEvents(response.body)) {
        failures = 0;
        heardAt = Date.now();
        if (event.type === 'log') seen = event.sequence;
        if (event.type === 'state' && event.subject_id.startsWith('brun_')) run = event.subject_id;
        yield event;
        if (event.type === 'end') return;
      }
    } catch (error) {
      if (signal?.aborted || !opened || !isPassing(error)) throw error;
      if (Date.now() - heardAt > longestSilenceMs) throw error;
    }
    signal?.throwIfAborted();
    await sleep(Math.min(longestPauseMs, 200 * 2 ** failures++), undefined, { signal });
  }
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
