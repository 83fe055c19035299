/** The newest of the lines that are put in, in their order. */
export interface NewestLines<Line> {
  /** Lines of one source in their order, which come before what was put in already when their times are the same. */
  add(lines: readonly Line[]): void;
  readonly lines: readonly Line[];
  /** Whether older ones were left out. */
  readonly isCut: boolean;
  /** The time before which nothing is of use any more; null while there is room. */
  readonly from: Date | null;
}

/** What an answer holds at most, in characters. */
const mostCharacters = 16 * 1024 * 1024;

/** Keeps no more than so many lines. */
export function newestLines<Line extends { readonly at: Date; readonly text: string }>(
  most: number,
): NewestLines<Line> {
  let kept: readonly Line[] = [];
  let isCut = false;
  return {
    add(lines) {
      const all = [...lines, ...kept].sort((one, other) => one.at.getTime() - other.at.getTime());
      let first = Math.max(0, all.length - most);
      for (let index = all.length - 1, left = mostCharacters; index >= first; index--) {
        left -= all[index]?.text.length ?? 0;
        if (left < 0) first = index + 1;
      }
      isCut ||= first > 0;
      kept = all.slice(first);
    },
    get lines() {
      return kept;
    },
    get isCut() {
      return isCut;
    },
    get from() {
      return isCut ? (kept[0]?.at ?? null) : null;
    },
  };
}
