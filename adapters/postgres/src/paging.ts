import { PlatformError } from '@eve/domain';
import type { Listed, Page } from '@eve/operations';
import type { Database } from './connection.ts';
import { nothing, part, type SqlPart } from './sql.ts';

const maxOffset = 10_000;

/** A page of records, newest first by their ids: `where` is a whole condition on the table. */
export function listed<Item extends { readonly id: string }>(
  { sql }: Database,
  { columns, table, where, page }: { columns: SqlPart; table: SqlPart; where: SqlPart; page: Page },
): Promise<Listed<Item>> {
  return paged(
    page,
    ({ before, count, offset }) => sql<Item>`
      select ${columns} from ${table} where ${where} ${before === null ? nothing : part`and id < ${before}`}
      order by id desc limit ${count} offset ${offset}`,
  );
}

/** The rows of a page: `count` of them, one more than it holds, with ids below `before`, from the given one on. */
export interface PageRows {
  readonly before: string | null;
  readonly count: number;
  readonly offset: number;
}

/** A page of what is read newest first. */
export async function paged<Item extends { readonly id: string }>(
  { limit, offset = 0, cursor }: Page,
  read: (wanted: PageRows) => Promise<readonly Item[]>,
): Promise<Listed<Item>> {
  if (offset < 0 || offset > maxOffset) throw invalid('offset', `must be between 0 and ${maxOffset}; use the cursor`);
  if (limit < 1) throw invalid('limit', 'must be at least 1');

  const rows = await read({ before: cursor === undefined ? null : readCursor(cursor), count: limit + 1, offset });

  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last ? writeCursor(last.id) : null };
}

function writeCursor(id: string): string {
  return Buffer.from(id).toString('base64url');
}

function readCursor(cursor: string): string {
  const id = Buffer.from(cursor, 'base64url').toString();
  if (!/^[a-z]+_[0-9a-z]+$/.test(id) || writeCursor(id) !== cursor) {
    throw invalid('cursor', 'is none that a list gave');
  }
  return id;
}

/** What is said about a paging parameter that is wrong. */
export function invalid(path: string, message: string): PlatformError {
  return new PlatformError('request_invalid', `The ${path} ${message}.`, { details: [{ path, message }] });
}
