import type { LogEntry, LogPage } from '@eve/protocol-rest/contract';
import type { Context } from '../context.ts';
import { logLines } from '../output/log-lines.ts';

const pageLines = 1000;

/** Prints what is stored of a log by now, all of it or its tail, page by page. */
export async function printStored(
  { json, print, style }: Context,
  read: (range: { tail: number } | { after: number; limit: number }) => Promise<LogPage>,
  tail: number | undefined,
): Promise<void> {
  const lines = logLines(style);
  let count = 0;
  for await (const entry of entriesOf(read, tail)) {
    count++;
    if (json) print(JSON.stringify(entry));
    else lines.of(entry).forEach(print);
  }
  if (json) return;
  lines.end().forEach(print);
  if (count === 0) print('No logs available.');
}

async function* entriesOf(
  read: Parameters<typeof printStored>[1],
  tail: number | undefined,
): AsyncGenerator<LogEntry, void, undefined> {
  for (let after = 0; ; ) {
    const { logs } = await read(tail === undefined ? { after, limit: pageLines } : { tail });
    // A page of very long lines is a short one: only one without anything new is the end.
    const fresh = logs.filter(({ sequence }) => sequence > after);
    yield* fresh;
    const last = fresh.at(-1);
    if (tail !== undefined || !last) return;
    after = last.sequence;
  }
}
