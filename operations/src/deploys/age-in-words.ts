const units = [
  ['days', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
] as const;

/** How long ago something was, in its largest unit that is not below two: `40 s`, `5 min`, `3 h`, `2 days`. */
export function ageInWords(since: Date, at: Date): string {
  const ms = Math.max(0, at.getTime() - since.getTime());
  const [unit, length] = units.find(([, each]) => ms >= 2 * each) ?? ['s', 1000];
  return `${Math.floor(ms / length)} ${unit}`;
}
