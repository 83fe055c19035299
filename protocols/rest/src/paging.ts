import type { Listed, Page } from '@eve/operations';
import type { Page as WirePage } from './contract/index.ts';

interface Query {
  readonly limit: number;
  readonly cursor?: string | undefined;
  readonly offset?: number | undefined;
}

/** The page that a query asks for. */
export function pageOf({ limit, cursor, offset }: Query): Page {
  return { limit, ...(cursor !== undefined && { cursor }), ...(offset !== undefined && { offset }) };
}

/** A page as it is answered; `count` is what is on it. */
export function presentPage<Item, Presented>(
  { items, nextCursor }: Listed<Item>,
  { limit, offset = 0 }: Query,
  present: (item: Item) => Presented,
): WirePage<Presented> {
  return {
    data: items.map(present),
    pagination: { limit, offset, count: items.length, next_cursor: nextCursor },
  };
}

/** A list that is always whole, in the same envelope. */
export function presentWhole<Item, Presented>(
  items: readonly Item[],
  present: (item: Item) => Presented,
): WirePage<Presented> {
  return presentPage({ items, nextCursor: null }, { limit: items.length }, present);
}

/** A copy without what is null or undefined: on the wire both mean "not given". */
export function given<Fields extends object>(fields: Fields): { [Name in keyof Fields]?: NonNullable<Fields[Name]> } {
  const kept = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null);
  // Object.fromEntries forgets the names that the filter kept.
  return Object.fromEntries(kept) as { [Name in keyof Fields]?: NonNullable<Fields[Name]> };
}
