const introducer = '\\u001b';
// Control sequences, the texts that some carry (titles, links, device data) with their end, and other escapes.
const sequences = new RegExp(
  [
    `(?:${introducer}\\[|\\u009b)[0-?]*[ -/]*[@-~]`,
    `(?:${introducer}[\\]PX^_]|[\\u009d\\u0090\\u0098\\u009e\\u009f])[^\\p{Cc}]*(?:\\u0007|${introducer}\\\\|\\u009c)`,
    `${introducer}[ -/]+[0-~]`,
    `${introducer}[0-OQ-WYZ\\\\\`-~]`,
  ].join('|'),
  'gu',
);
const colour = new RegExp(`${introducer}\\[[0-9;:]*m`, 'g');
const controls = /[^\P{Cc}\t]/gu;

/** A line as it may be shown on a terminal: what one would obey is taken out, whatever a program printed. Colours stay where they are wanted, and end with the line. */
export function terminalText(line: string, colours = false): string {
  if (!/[^\P{Cc}\t]/u.test(line)) return line;
  const kept = colours ? (line.match(colour) ?? []) : [];
  const parts = (colours ? line.split(colour) : [line]).map(plain);
  const text = parts.map((part, index) => (index === 0 ? part : `${kept[index - 1]}${part}`)).join('');
  return kept.length > 0 ? `${text}\u001b[0m` : text;
}

function plain(text: string): string {
  return text.replace(sequences, '').replace(controls, '');
}
