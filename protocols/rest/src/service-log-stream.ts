import { terminalText } from '@eve/domain';
import type { Log, LogNews, ServiceLine } from '@eve/operations';
import type { FastifyReply } from 'fastify';
import type * as contract from './contract/index.ts';
import { type LogFormat, logTypes, serverSentEvent } from './log-stream.ts';
import { openStream } from './open-stream.ts';

/** A place in a stream: the time of a line, and how many lines of that time have been sent. */
export interface StreamPlace {
  readonly at: number;
  readonly count: number;
}

/** A line in the words of the contract. */
export function presentServiceLine({
  at,
  service,
  instance,
  revision,
  stream,
  text,
}: ServiceLine): contract.ServiceLine {
  return { timestamp: at.toISOString(), service, instance, revision, stream, line: text };
}

/** Sends lines as they come, after a place where there is one, until there are no more, or the client is gone or too slow. */
export async function streamServiceLogs(
  log: Log,
  reply: FastifyReply,
  {
    news,
    format,
    place,
    signal,
  }: { news: AsyncIterable<LogNews>; format: LogFormat; place: StreamPlace | null; signal: AbortSignal },
): Promise<void> {
  const isEvents = format === 'sse';
  const heartbeat = () => serverSentEvent('heartbeat', { timestamp: new Date().toISOString() });
  using stream = openStream(reply, { type: logTypes[format], signal, heartbeat: isEvents ? heartbeat : null });
  const sent = after(place);
  try {
    for await (const each of news) {
      if (each.type === 'lines') {
        const texts = each.lines.map((line) => {
          const id = sent.idOf(line);
          return id === null ? '' : textOf(line, format, id);
        });
        await stream.write(texts.join(''));
      } else if (isEvents) {
        const { service, instance, revision, state } = each;
        const change: contract.InstanceChange = { service, instance, revision, state };
        await stream.write(serverSentEvent('pod_changed', change));
      }
    }
    signal.throwIfAborted();
    if (isEvents) await stream.write(serverSentEvent('end', { reason: 'The environment was deleted.' }));
    stream.end();
  } catch (error) {
    const isSlow = error instanceof Error && error.name === 'AbortError';
    if (!signal.aborted && !isSlow) log.error({ error: String(error) }, 'logs of services could not be sent');
    stream.breakOff();
  }
}

/** Sends lines that are there already. */
export async function sendServiceLines(
  reply: FastifyReply,
  lines: readonly ServiceLine[],
  format: LogFormat,
  signal: AbortSignal,
): Promise<void> {
  using stream = openStream(reply, { type: logTypes[format], signal, heartbeat: null });
  try {
    for (let from = 0; from < lines.length; from += 1000) {
      await stream.write(
        lines
          .slice(from, from + 1000)
          .map((line) => textOf(line, format, ''))
          .join(''),
      );
    }
    stream.end();
  } catch {
    stream.breakOff();
  }
}

/** Counts lines of one time, so that each has an id; null for those that were sent before the place. */
function after(place: StreamPlace | null): { idOf(line: ServiceLine): string | null } {
  let last = { at: 0, count: 0 };
  return {
    idOf({ at }) {
      const time = at.getTime();
      last = { at: time, count: last.at === time ? last.count + 1 : 1 };
      if (place && (time < place.at || (time === place.at && last.count <= place.count))) return null;
      return `${last.at}-${last.count}`;
    },
  };
}

function textOf(line: ServiceLine, format: LogFormat, id: string): string {
  if (format === 'text')
    return `[${line.at.toISOString().slice(11, 19)}] ${line.instance} | ${terminalText(line.text)}\n`;
  const shown = presentServiceLine(line);
  return format === 'ndjson' ? `${JSON.stringify(shown)}\n` : serverSentEvent('log', shown, id);
}
