import type { Readable } from 'node:stream';
import type { DockerEngine } from './engine.ts';

export interface LogLine {
  readonly stream: 'stdout' | 'stderr';
  /** RFC 3339 with nanoseconds, as the engine wrote it; null when times were not asked for. */
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

/** Whole lines of a container; a line that the engine cut into frames (16 KiB) is joined again. */
export async function* containerLogs(
  engine: DockerEngine,
  id: string,
  options: {
    readonly follow?: boolean;
    readonly tail?: number;
    readonly since?: string;
    readonly timestamps?: boolean;
    readonly signal?: AbortSignal;
  } = {},
): AsyncGenerator<LogLine> {
  const { follow = false, tail, since, timestamps = false, signal } = options;
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
      partial.time ??= text.slice(0, space);
      text = text.slice(space + 1);
    }
    partial.text += text;
    if (!partial.text.endsWith('\n')) continue;
    for (const line of partial.text.slice(0, -1).split('\n')) yield { stream, time: partial.time, text: trimmed(line) };
    held[stream] = { time: null, text: '' };
  }
  // A cut connection looks like an end of the log.
  signal?.throwIfAborted();
  for (const stream of ['stdout', 'stderr'] as const)
    if (held[stream].text) yield { stream, time: held[stream].time, text: trimmed(held[stream].text) };
}

function trimmed(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}
