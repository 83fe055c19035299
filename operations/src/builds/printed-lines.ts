/** How many lines of each build of a run were printed: kept with the last of them, so that a worker that follows on prints none twice. */
export interface PrintedLines {
  /** Counts a build's next line: null when an earlier worker has printed it, else the cursor to keep with it. */
  next(build: string): string | null;
  /** Whether anything of a build was printed by an earlier worker. */
  has(build: string): boolean;
}

/** Goes on where a stored cursor says that an earlier worker stood; at the beginning without one. */
export function printedLines(kept: string | null): PrintedLines {
  const before = countsIn(kept);
  const seen = new Map<string, number>();
  const counts = new Map(before);
  return {
    next(build) {
      const count = (seen.get(build) ?? 0) + 1;
      seen.set(build, count);
      if (count <= (before.get(build) ?? 0)) return null;
      counts.set(build, count);
      return JSON.stringify(Object.fromEntries(counts));
    },
    has: (build) => before.has(build),
  };
}

function countsIn(kept: string | null): Map<string, number> {
  try {
    const parsed: unknown = JSON.parse(kept ?? '{}');
    if (typeof parsed !== 'object' || parsed === null) return new Map();
    return new Map(Object.entries(parsed).filter((entry): entry is [string, number] => typeof entry[1] === 'number'));
  } catch {
    return new Map();
  }
}
