import type { Organisation } from '@eve/domain';
import { authorize, type Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import type { Listed, Page } from '../ports/stored.ts';

/** Every organisation for the operator, the own one for everybody else. */
export async function listOrganisations(
  { store }: Pick<Platform, 'store'>,
  caller: Caller,
  page: Page,
): Promise<Listed<Organisation>> {
  authorize(caller, 'read');
  if (caller.operator) return store.organisations.list(page);
  return { items: [await store.organisations.get(caller.tenantId)], nextCursor: null };
}
