import type { Readable } from 'node:stream';
import { DockerError } from './error.ts';

// An engine that pulls or pushes says so every few moments.
const silenceMs = 5 * 60_000;

/** The objects of a stream of JSON values, one per line. */
export async function* jsonStream(source: Readable): AsyncGenerator<unknown> {
  source.setEncoding('utf8');
  let held = '';
  for await (const chunk of source as AsyncIterable<string>) {
    const lines = (held + chunk).split('\n');
    held = lines.pop() ?? '';
    for (const line of lines) if (line.trim()) yield JSON.parse(line) as unknown;
  }
  if (held.trim()) yield JSON.parse(held) as unknown;
}

/** One line of progress of a pull, push or build. */
export interface Progress {
  readonly id: string | null;
  readonly text: string;
}

/** The progress of a pull, push or build. An error that the engine reports within the stream is thrown as DockerError. */
export async function* progress(source: Readable): AsyncGenerator<Progress> {
  const silent = new DockerError(0, `The engine said nothing for ${silenceMs / 60_000} minutes.`);
  const watch = setTimeout(() => source.destroy(silent), silenceMs);
  source.on('data', () => watch.refresh());
  try {
    yield* progressOf(source);
  } finally {
    clearTimeout(watch);
  }
}

async function* progressOf(source: Readable): AsyncGenerator<Progress> {
  for await (const value of jsonStream(source)) {
    if (typeof value !== 'object' || value === null) continue;
    if ('error' in value) throw new DockerError(0, String(value.error));
    if ('status' in value) yield { id: 'id' in value ? String(value.id) : null, text: String(value.status) };
    else if ('stream' in value) yield { id: null, text: String(value.stream) };
  }
}
