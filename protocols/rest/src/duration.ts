const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of a length of time as the contract has it: a bare number is seconds. */
export function durationMs(text: number | string): number;
export function durationMs(text: number | string | undefined): number | undefined;
export function durationMs(text: number | string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, amount, unit = ''] = /^(\d+)([a-z]*)$/.exec(String(text)) ?? [];
  return Number(amount) * (unitMs[unit || 's'] ?? 1000);
}

/** The time that is meant: a time or a day as it stands, a length of time before now. */
export function sinceOf(text: string, now: Date): Date {
  return /^\d+[a-z]$/.test(text) ? new Date(now.getTime() - durationMs(text)) : new Date(text);
}
