import { StringDecoder } from 'node:string_decoder';

/** Cuts bytes into lines; a line longer than the limit comes in pieces, so that nothing grows without bound. */
export function lineCutter(maxLength = 65_536): { push(chunk: Uint8Array): string[]; end(): string[] } {
  const decoder = new StringDecoder('utf8');
  let rest = '';

  const cut = (text: string): string[] => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    const whole = lines.flatMap((line) => pieces(withoutReturn(line), maxLength));
    if (rest.length > maxLength) {
      const parts = pieces(rest, maxLength);
      rest = parts.pop() ?? '';
      whole.push(...parts);
    }
    return whole;
  };
  return {
    push: (chunk) => cut(decoder.write(chunk)),
    end: () => {
      const lines = cut(decoder.end());
      if (rest) lines.push(withoutReturn(rest));
      rest = '';
      return lines;
    },
  };
}

/** The lines of a byte stream, with back-pressure. */
export async function* linesOf(stream: AsyncIterable<Uint8Array>, maxLength?: number): AsyncGenerator<string> {
  const cutter = lineCutter(maxLength);
  for await (const chunk of stream) yield* cutter.push(chunk);
  yield* cutter.end();
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

function pieces(line: string, maxLength: number): string[] {
  if (line.length <= maxLength) return [line];
  const found: string[] = [];
  for (let at = 0; at < line.length; at += maxLength) found.push(line.slice(at, at + maxLength));
  return found;
}
