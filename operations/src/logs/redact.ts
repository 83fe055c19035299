/** Replaces secret values in a text, also as base64, URL-encoded and JSON-escaped. */
export type Redact = (text: string) => string;

const shortest = 4;

/** The forms in which a value may be printed; the lines of a value of several lines count each. */
function formsOf(value: string): string[] {
  const parts = [value, ...value.split(/\r?\n/)].filter((part) => part.trim().length >= shortest);
  return parts.flatMap((part) => [
    part,
    ...base64Forms(part),
    encodeURIComponent(part),
    JSON.stringify(part).slice(1, -1),
  ]);
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
  const forms = [...new Set([...values].flatMap(formsOf))].sort((a, b) => b.length - a.length);
  if (forms.length === 0) return (text) => text;
  const pattern = new RegExp(forms.map((form) => form.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|'), 'g');
  return (text) => text.replace(pattern, '***');
}
