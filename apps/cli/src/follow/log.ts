import type { LogEvent } from '@eve/protocol-rest/client';
import type { LogEnd } from '@eve/protocol-rest/contract';
import type { Style } from '../context.ts';
import { logLines } from '../output/log-lines.ts';

/** Prints a followed log: how it waits, and that the connection is lost or back, through `say`, its lines through `print`. Answers with its end; null when it has none. */
export async function printLog(
  events: AsyncIterable<LogEvent>,
  { print, say, style }: { print: (line: string) => void; say: (line: string) => void; style: Style },
): Promise<LogEnd | null> {
  const lines = logLines(style);
  let waiting: string | null = null;
  for await (const event of events) {
    if (event.type === 'log') for (const line of lines.of(event)) print(line);
    if (event.type === 'connection') say(event.message);
    if (event.type === 'state' && event.waiting !== waiting) {
      waiting = event.waiting;
      if (waiting !== null) say(waiting);
    }
    if (event.type === 'end') {
      for (const line of lines.end(event.error?.hint)) print(line);
      return event;
    }
  }
  for (const line of lines.end()) print(line);
  return null;
}
