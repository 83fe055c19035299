import type { RuntimeLine } from '../ports/deployer.ts';

/** Lines as the compressed bytes that are kept of them. */
export function packedLines(lines: readonly RuntimeLine[]): AsyncIterable<Uint8Array> {
  return ReadableStream.from(rowsOf(lines)).pipeThrough(new CompressionStream('gzip'));
}

/** The lines of what `packedLines` made, one after another. */
export async function* unpackedLines(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<RuntimeLine, void, undefined> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const part of ReadableStream.from(bytes).pipeThrough(new DecompressionStream('gzip'))) {
    const rows = (rest + decoder.decode(part, { stream: true })).split('\n');
    rest = rows.pop() ?? '';
    for (const row of rows) yield lineOf(row);
  }
  if (rest !== '') yield lineOf(rest);
}

const rowsTogether = 1000;

function* rowsOf(lines: readonly RuntimeLine[]): Generator<Buffer> {
  for (let from = 0; from < lines.length; from += rowsTogether) {
    const rows = lines
      .slice(from, from + rowsTogether)
      .map(
        ({ at, stream, text }) => `${at.getTime()} ${stream === 'stderr' ? 'e' : 'o'} ${text.replaceAll('\n', ' ')}\n`,
      );
    yield Buffer.from(rows.join(''));
  }
}

function lineOf(row: string): RuntimeLine {
  const [, at = '0', stream, text = ''] = /^(\d+) ([eo]) (.*)$/s.exec(row) ?? [];
  return { at: new Date(Number(at)), stream: stream === 'e' ? 'stderr' : 'stdout', text };
}
