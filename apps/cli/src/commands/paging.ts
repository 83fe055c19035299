import type { Page } from '@eve/protocol-rest/contract';
import { number, text } from '../command.ts';
import { counted } from '../output/text.ts';

/** Options of every list. */
export const paging = {
  limit: number('<n>', 'at most so many, up to 100 (20)'),
  offset: number('<n>', 'leave out the first so many'),
  cursor: text('<cursor>', 'go on where the page before ended'),
};

/** As the API takes them: what was not given is left out. */
export function pageQuery(options: {
  limit: number | undefined;
  offset: number | undefined;
  cursor: string | undefined;
}) {
  const { limit, offset, cursor } = options;
  return {
    ...(limit !== undefined && { limit }),
    ...(offset !== undefined && { offset }),
    ...(cursor !== undefined && { cursor }),
  };
}

/** The lines of a list with its count, and how to see more of it. */
export function listed<Item>(
  { data, pagination }: Page<Item>,
  noun: string,
  rows: (items: readonly Item[]) => string[],
): string[] {
  if (data.length === 0) return [`No ${noun}s found.`];
  const more = pagination.next_cursor ? [`More: --cursor ${pagination.next_cursor}`] : [];
  return [...rows(data), '', `Total: ${counted(data.length, noun)}`, ...more];
}
