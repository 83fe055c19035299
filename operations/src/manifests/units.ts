const durationUnits = { us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
const byteUnits = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 } as const;

/** A duration such as `10s`, `1m30s` or `500ms`, in milliseconds; a bare number counts seconds. Null when it is none. */
export function parseDuration(text: string): number | null {
  if (/^\d+(\.\d+)?$/.test(text)) return Math.round(Number(text) * 1000);
  if (!/^(\d+(\.\d+)?(us|ms|s|m|h))+$/.test(text)) return null;
  let total = 0;
  for (const [, amount, , unit] of text.matchAll(/(\d+(\.\d+)?)(us|ms|s|m|h)/g)) {
    total += Number(amount) * durationUnits[unit as keyof typeof durationUnits]; // the pattern lists the units
  }
  return Math.round(total);
}

/** A size such as `512M`, `1.5g`, `64kb` or `256Mi`, in bytes; units count in 1024. Null when it is none. */
export function parseByteSize(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b?)$/.exec(text.trim().toLowerCase());
  if (!match) return null;
  return Math.round(Number(match[1]) * byteUnits[match[2] as keyof typeof byteUnits]); // the pattern lists the units
}

/** Processors such as `0.5`, `2` or `500m`; null when it is none or nothing. */
export function parseCpus(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)(m?)$/.exec(text.trim());
  const cpus = match ? Number(match[1]) / (match[2] === 'm' ? 1000 : 1) : 0;
  return cpus > 0 ? cpus : null;
}

/** Splits a command as a shell would: blanks, both quotes, backslashes; nothing is expanded. Null when a quote stays open. */
export function splitCommand(text: string): string[] | null {
  const words: string[] = [];
  let word: string | null = null;
  let quote: string | null = null;
  for (let index = 0; index < text.length; index++) {
    const character = text[index] ?? '';
    const next = text[index + 1];
    if (quote === "'") {
      if (character === "'") quote = null;
      else word += character;
    } else if (character === '\\') {
      if (next === undefined) return null;
      const literal = quote === '"' && !'"\\$`\n'.includes(next);
      if (next !== '\n' || literal) word = (word ?? '') + (literal ? character : '') + next;
      index++;
    } else if (quote === '"') {
      if (character === '"') quote = null;
      else word += character;
    } else if (character === '"' || character === "'") {
      quote = character;
      word ??= '';
    } else if (/\s/.test(character)) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? '') + character;
  }
  if (quote !== null) return null;
  return word === null ? words : [...words, word];
}
