import { PlatformError, type Project } from '@eve/domain';
import type { Caller } from '@eve/operations';
import type { Context } from '../operations.ts';

/** The project of a path or body, named by id or slug. Throws `project_not_found`, also for one of another tenant. */
export function projectOf({ platform, operations }: Context, caller: Caller, idOrSlug: string): Promise<Project> {
  return operations.getProject(platform, caller, idOrSlug);
}

/** Passes when an id or slug names the caller's own organisation; any other is not found. */
export async function requireOwnOrganisation(
  { platform, operations }: Context,
  caller: Caller,
  idOrSlug: string,
): Promise<void> {
  if (idOrSlug === caller.tenantId) return;
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await operations.listOrganisations(platform, caller, { limit: 100, ...(cursor && { cursor }) });
    if (page.items.some(({ id, slug }) => slug === idOrSlug && id === caller.tenantId)) return;
    cursor = page.nextCursor;
  }
  throw new PlatformError('organisation_not_found', `There is no organisation ${idOrSlug}.`);
}
