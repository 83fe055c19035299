import type { ApiToken } from '@eve/domain';
import { authorize, type Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import type { Listed, Page } from '../ports/stored.ts';

/** The organisation's tokens, newest first; a token of one project sees those of that project. */
export async function listTokens(
  { store }: Pick<Platform, 'store'>,
  caller: Caller,
  page: Page,
): Promise<Listed<ApiToken>> {
  authorize(caller, 'admin');
  const { items, nextCursor } = await store.tokens.list(caller.tenantId, page);
  const own = items.filter(({ projectId }) => caller.projectId === null || projectId === caller.projectId);
  return { items: own, nextCursor };
}
