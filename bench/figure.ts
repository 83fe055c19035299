/** One figure of a bench, as `--json` prints it. */
export interface Figure {
  readonly name: string;
  /** Null when it could not be measured; `detail` has the reason. */
  readonly ours: number | null;
  /** What the same work costs without Eve, in the same run; null where nothing compares. */
  readonly peer: number | null;
  readonly ratio: number | null;
  readonly unit: string;
  readonly target: string;
  readonly met: boolean | null;
  readonly detail: string;
}

/** What a bench knows of one figure; the rest follows from it. */
export interface Measured {
  readonly name: string;
  readonly ours: number;
  readonly peer?: number;
  readonly unit: string;
  readonly target: string;
  readonly met: boolean;
  readonly detail?: string;
}

/** A figure that was measured. */
export function measured({ peer, detail = '', ...rest }: Measured): Figure {
  const ratio = peer === undefined || peer === 0 ? null : round(rest.ours / peer);
  return { ...rest, ours: round(rest.ours), peer: peer === undefined ? null : round(peer), ratio, detail };
}

/** A figure that could not be measured, with the reason. */
export function unmeasured(name: string, unit: string, target: string, reason: string): Figure {
  return { name, ours: null, peer: null, ratio: null, unit, target, met: null, detail: reason };
}

/** The middle of some numbers. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value that a part of the numbers does not exceed: 0.99 for the 99th percentile. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const found = sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(part * sorted.length) - 1))];
  if (found === undefined) throw new Error('There are no values to take a quantile of.');
  return found;
}

/** Numbers for a detail: `12, 14, 19`. */
export function listed(values: readonly number[]): string {
  return values.map((value) => round(value)).join(', ');
}

export function round(value: number): number {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return Number(value.toFixed(digits));
}

/** The figure as a line for people. */
export function sentence({ name, ours, peer, ratio, unit, target, met, detail }: Figure): string {
  const mark = met === null ? '–' : met ? '✓' : '✗';
  const value = ours === null ? 'not measured' : `${ours} ${unit}`;
  const against = peer === null ? '' : `, bare ${peer} ${unit}${ratio === null ? '' : ` (× ${ratio})`}`;
  return `${mark} ${name.padEnd(22)} ${value}${against}   target ${target}${detail ? `\n    ${detail}` : ''}`;
}
