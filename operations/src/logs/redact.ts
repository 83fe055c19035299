/** Replaces secret values in a text, also as base64, URL-encoded and JSON-escaped. */
export type Redact = (text: string) => string;

const shortest = 4;

/** What forms, shells and JSON make of single characters; as patterns. */
const otherWays: Readonly<Record<string, readonly string[]>> = {
  ' ': ['\\+'],
  "'": ["'\\\\''", `'"'"'`],
  '\t': ['\\\\+t'],
};

interface Form {
  readonly pattern: string;
  readonly length: number;
}

/** The forms in which a value may be printed; the lines of a value of several lines count each. */
function formsOf(value: string): Form[] {
  const parts = [value, ...value.split(/\r?\n/)].filter((part) => part.trim().length >= shortest);
  return parts.flatMap((part) => [
    { pattern: writtenPattern(part), length: part.length },
    ...base64Forms(part).map((form) => ({ pattern: escaped(form), length: form.length })),
  ]);
}

/** A text as it is and as URLs, forms, JSON, JSON within JSON and shells write it: no two programs escape the same characters. */
function writtenPattern(text: string): string {
  return (text.match(/[A-Za-z0-9]+|\\+|\r?\n|[^A-Za-z0-9\\]/gu) ?? [])
    .map((part, index) => (/^[A-Za-z0-9]/.test(part) ? part : markPattern(part, index === 0)))
    .join('');
}

/** One character that may be escaped, or a run of backslashes; a backslash before the first character may stay. */
function markPattern(mark: string, isFirst: boolean): string {
  const percent = anyCase(Buffer.from(mark.toWellFormed()).toString('hex').replace(/../g, '%$&'));
  if (mark.startsWith('\\')) return `(?:\\\\{${mark.length},}|${percent})`;
  if (mark.endsWith('\n')) return `(?:\\r?\\n|\\\\+r?\\\\*n|(?:%0[Dd])?%0[Aa])`;
  const units = mark.split('').map((unit) => unit.charCodeAt(0).toString(16).padStart(4, '0'));
  const unicode = anyCase(units.map((digits) => `\\\\+u${digits}`).join(''));
  const plain = `${isFirst || !/["'/$&` ]/.test(mark) ? '' : '\\\\*'}${escaped(mark)}`;
  return `(?:${[...(otherWays[mark] ?? []), plain, percent, unicode].join('|')})`;
}

/** Hexadecimal digits in capitals and not. */
function anyCase(pattern: string): string {
  return pattern.replace(/(?<!\\)[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}

/** Base64 at each of the three alignments, without the characters that neighbours share; also as tools wrap it. */
function base64Forms(part: string): string[] {
  const whole = Buffer.from(part).toString('base64').replace(/=+$/, '');
  // What follows the value, such as a newline, is mixed into the last digit unless its bytes come out even.
  const cut = Buffer.byteLength(part) % 3 === 0 ? whole : whole.slice(0, -1);
  const wrapped = [64, 76].flatMap((width) => cut.match(new RegExp(`.{1,${width}}`, 'g')) ?? []);
  const shifted = [1, 2].map((shift) => {
    const text = Buffer.from(`${'x'.repeat(shift)}${part}`)
      .toString('base64')
      .replace(/=+$/, '');
    return text.slice(shift + 1, -1);
  });
  const forms = [whole, ...[cut, ...wrapped, ...shifted].filter((text) => text.length >= 8)];
  return forms.flatMap((form) => [form, form.replaceAll('+', '-').replaceAll('/', '_')]);
}

/** Makes a redactor of secret values; values shorter than four characters cannot be told from other text. */
export function redactor(values: Iterable<string>): Redact {
  const forms = [...values].flatMap(formsOf).sort((a, b) => b.length - a.length);
  if (forms.length === 0) return (text) => text;
  const pattern = new RegExp([...new Set(forms.map(({ pattern }) => pattern))].join('|'), 'g');
  return (text) => text.replace(pattern, '***');
}
