import { PlatformError } from '@eve/domain';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { LogPage, LogQuery } from '../contract/index.ts';
import { type LogFormat, streamLog } from '../log-stream.ts';
import type { Context, OpenLog } from '../operations.ts';
import { presentLine } from '../present/builds.ts';

const defaultLimit = 1000;

/** What a client may ask for by `Accept`, documented with each log. */
export const logDescription = [
  'JSON by default. `Accept: text/event-stream` or `follow=true` follows the log: `event: state` says what it waits for,',
  '`event: log` is a line whose id is its sequence, `event: end` is the final state; `Last-Event-ID` goes on after a line.',
  '`Accept: application/x-ndjson` is a line per line, `Accept: text/plain` is `[HH:MM:SS] text`',
  'without anything that a terminal would obey; both take `follow=true`.',
].join(' ');

/** Answers with a log in the form that the client asks for. Undefined when the answer was streamed. */
export async function sendLog(
  { platform, closing, logEnds }: Context,
  request: FastifyRequest,
  reply: FastifyReply,
  query: z.output<typeof LogQuery>,
  log: OpenLog,
): Promise<LogPage | undefined> {
  const format = formatOf(request.headers.accept ?? '', query.follow);
  // A browser that comes back asks for the address it had, and says how far it came.
  const after = Math.max(query.after ?? 0, lastEventId(request) ?? 0);
  const filter = {
    ...(query.step !== undefined && { step: query.step }),
    ...(query.attempt !== undefined && { attempt: query.attempt }),
  };
  if (format === 'json') {
    const { tail, limit = defaultLimit } = query;
    const range = tail === undefined ? { after, limit } : { tail };
    const lines = await platform.logs.read(log.subject, { ...range, ...filter });
    return { logs: lines.filter(({ sequence }) => sequence > after).map(presentLine) };
  }
  const follow = query.follow || format === 'sse';
  await streamLog({ platform, closing, logEnds }, reply, log, format, { after, tail: query.tail, filter, follow });
  return undefined;
}

/** The form of a log that a client asks for. */
export function formatOf(accept: string, follow: boolean): LogFormat | 'json' {
  if (accept.includes('text/event-stream')) return 'sse';
  if (accept.includes('application/x-ndjson')) return 'ndjson';
  if (accept.includes('text/plain')) return 'text';
  return follow ? 'sse' : 'json';
}

function lastEventId({ headers }: FastifyRequest): number | undefined {
  const id = headers['last-event-id'];
  if (id === undefined || id === '') return undefined;
  if (typeof id === 'string' && /^\d{1,15}$/.test(id)) return Number(id);
  throw new PlatformError('request_invalid', 'Last-Event-ID must be the sequence of a line.');
}
