/** What each instance weighs so that the new ones together get a share of the traffic. */
export interface Weights {
  readonly old: number;
  readonly new: number;
}

const heaviest = 256;

/** The weights, 1 to 256, that come nearest to a percentage for the new instances, whatever their number; the lightest of these. */
export function canaryWeights(percent: number, oldCount: number, newCount: number): Weights {
  let best: Weights = { old: 1, new: 1 };
  let least = Number.POSITIVE_INFINITY;
  for (let old = 1; old <= heaviest; old++) {
    const exact = (percent * oldCount * old) / (Math.max(1, 100 - percent) * Math.max(1, newCount));
    const weight = Math.min(heaviest, Math.max(1, Math.round(exact)));
    const error = Math.abs(newShare({ old, new: weight }, oldCount, newCount) - percent);
    // Not for rounding errors: the smallest numbers say the same.
    if (error < least - 1e-9) [best, least] = [{ old, new: weight }, error];
  }
  return best;
}

/** Percent of the traffic that new instances get with these weights. */
export function newShare(weights: Weights, oldCount: number, newCount: number): number {
  const all = weights.old * oldCount + weights.new * newCount;
  return all === 0 ? 0 : (100 * weights.new * newCount) / all;
}
