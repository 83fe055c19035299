import type { Project } from '@eve/domain';
import { authorize, type Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import type { Listed, Page } from '../ports/stored.ts';

/** The organisation's projects, newest first; a token of one project sees that one. */
export async function listProjects(
  { store }: Pick<Platform, 'store'>,
  caller: Caller,
  page: Page,
): Promise<Listed<Project>> {
  authorize(caller, 'read');
  if (caller.projectId === null) return store.projects.list(caller.tenantId, page);
  return { items: [await store.projects.get(caller.tenantId, caller.projectId)], nextCursor: null };
}
