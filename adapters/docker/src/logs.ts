import type { Readable } from 'node:stream';
import type { DockerEngine } from './engine.ts';

export interface LogLine {
  readonly stream: 'stdout' | 'stderr';
  /** RFC 3339 with nine digits of a second, so that times compare as texts; null when times were not asked for. */
  readonly time: string | null;
  readonly text: string;
}

/** What a container without a terminal prints: frames of (stream, length, bytes), taken apart. */
export async function* demultiplex(source: Readable): AsyncGenerator<{ stream: 'stdout' | 'stderr'; bytes: Buffer }> {
  let held: Buffer = Buffer.alloc(0);
  for await (const chunk of source as AsyncIterable<Buffer>) {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    while (held.length >= 8) {
      const end = 8 + held.readUInt32BE(4);
      if (held.length < end) break;
      yield { stream: held[0] === 2 ? 'stderr' : 'stdout', bytes: held.subarray(8, end) };
      held = held.subarray(end);
    }
  }
}

/** A line longer than this is told in pieces: a program that never ends its line must not fill our memory. */
const longestLine = 1_048_576;

/**
 * Whole lines of a container; a line that the engine cut into frames (16 KiB) is joined again. With `after`, the time of a line
 * that was seen, only what came later.
 */
export async function* containerLogs(
  engine: DockerEngine,
  id: string,
  options: {
    readonly follow?: boolean;
    readonly tail?: number;
    readonly since?: Date;
    readonly after?: string;
    readonly timestamps?: boolean;
    readonly signal?: AbortSignal;
  } = {},
): AsyncGenerator<LogLine> {
  const { follow = false, tail, signal } = options;
  const after = options.after === undefined ? null : nanosecondTime(options.after);
  const since = after ? unixTime(after) : options.since && unixTime(nanosecondTime(options.since.toISOString()));
  const timestamps = options.timestamps || after !== null;
  const source = await engine.stream('GET', `/containers/${id}/logs`, {
    query: { stdout: true, stderr: true, follow, tail, since, timestamps },
    signal,
  });
  const held: Record<'stdout' | 'stderr', { time: string | null; text: string }> = {
    stdout: { time: null, text: '' },
    stderr: { time: null, text: '' },
  };
  for await (const { stream, bytes } of demultiplex(source)) {
    const partial = held[stream];
    let text = bytes.toString('utf8');
    if (timestamps) {
      const space = text.indexOf(' ');
      partial.time ??= nanosecondTime(text.slice(0, space));
      text = text.slice(space + 1);
    }
    partial.text += text;
    if (!partial.text.endsWith('\n') && partial.text.length < longestLine) continue;
    const { time } = partial;
    held[stream] = { time: null, text: '' };
    if (after !== null && time !== null && time <= after) continue;
    for (const line of partial.text.replace(/\n$/, '').split('\n')) yield { stream, time, text: trimmed(line) };
  }
  // A cut connection looks like an end of the log.
  signal?.throwIfAborted();
  for (const stream of ['stdout', 'stderr'] as const) {
    const { time, text } = held[stream];
    if (text && (after === null || time === null || time > after)) yield { stream, time, text: trimmed(text) };
  }
}

function trimmed(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

function nanosecondTime(time: string): string {
  const [, seconds = '1970-01-01T00:00:00', fraction = ''] = /^(.{19})(?:\.(\d+))?Z$/.exec(time) ?? [];
  return `${seconds}.${fraction.padEnd(9, '0')}Z`;
}

function unixTime(time: string): string {
  return `${Date.parse(`${time.slice(0, 19)}Z`) / 1000}.${time.slice(20, 29)}`;
}
