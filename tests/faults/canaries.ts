import { randomBytes } from 'node:crypto';

/** A secret value that is unmistakable, and what it is recognised by. */
export interface Canary {
  readonly name: string;
  readonly value: string;
  /** Letters and digits within the value, one for each of its lines: no escape and no URL encoding changes them. */
  readonly cores: readonly string[];
}

/** Tells which canaries are in some bytes. */
export type Search = (bytes: Uint8Array) => string[];

const mark = 'c4nary';

/** Makes a value; each `#` of the shape becomes a core. */
export function canary(name: string, shape = '#'): Canary {
  const cores: string[] = [];
  const value = shape.replace(/#/g, () => {
    const core = `${mark}${randomBytes(10).toString('hex')}`;
    cores.push(core);
    return core;
  });
  return { name, value, cores };
}

/** A value that somebody else has chosen. */
export function knownCanary(name: string, value: string, cores: readonly string[] = [value]): Canary {
  return { name, value, cores };
}

/** Looks for the canaries plainly and in base64 at its three alignments, whatever stands around them. */
export function searchFor(canaries: readonly Canary[]): Search {
  const forms = canaries.flatMap(({ name, cores }) =>
    cores.flatMap((core) => formsOf(core)).map((form) => ({ name, form })),
  );
  // Most of what is searched holds nothing: one look for what all of them begin with, and then for each.
  const marked = forms.filter(({ form }) => formsOf(mark).some((start) => form.startsWith(start)));
  const others = forms.filter((form) => !marked.includes(form));
  const starts = formsOf(mark);
  return (bytes) => {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const wanted = starts.some((start) => buffer.includes(start)) ? [...marked, ...others] : others;
    return [...new Set(wanted.filter(({ form }) => buffer.includes(form)).map(({ name }) => name))];
  };
}

/** As it is, and its base64 behind 0, 1 and 2 other bytes without the digits that neighbours share; both alphabets. */
function formsOf(core: string): string[] {
  const base64 = [0, 1, 2].map((shift) => {
    const digits = Buffer.from('x'.repeat(shift) + core)
      .toString('base64')
      .replace(/=+$/, '');
    return digits.slice(shift === 0 ? 0 : shift + 1, (shift + core.length) % 3 === 0 ? undefined : -1);
  });
  return [...new Set([core, ...base64, ...base64.map((form) => form.replaceAll('+', '-').replaceAll('/', '_'))])];
}
