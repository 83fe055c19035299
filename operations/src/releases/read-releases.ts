import { isId, PlatformError, type ProjectId, type Release } from '@eve/domain';
import { authorize, type Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import type { Listed, Page } from '../ports/stored.ts';

/** The releases of a project, newest first. */
export async function listReleases(
  { store }: Pick<Platform, 'store'>,
  caller: Caller,
  projectId: ProjectId,
  page: Page,
): Promise<Listed<Release>> {
  authorize(caller, 'read', projectId);
  await store.projects.get(caller.tenantId, projectId);
  return store.releases.list(caller.tenantId, projectId, page);
}

/**
 * A release by its id, or by its tag: in the given project, else in the only one of the caller's that has it.
 * Throws `release_not_found`, and `release_tag_ambiguous` naming the projects.
 */
export async function getRelease(
  { store }: Pick<Platform, 'store'>,
  caller: Caller,
  idOrTag: string,
  projectId: ProjectId | null = caller.projectId,
): Promise<Release> {
  if (isId('rel', idOrTag)) {
    const release = await store.releases.get(caller.tenantId, idOrTag);
    authorize(caller, 'read', release.projectId);
    return release;
  }
  authorize(caller, 'read', projectId);
  const found = projectId
    ? [await store.releases.findByTag(caller.tenantId, projectId, idOrTag)].filter((release) => release !== null)
    : await store.releases.findAllByTag(caller.tenantId, idOrTag);
  const [release] = found;
  if (!release) throw new PlatformError('release_not_found', `There is no release with the tag "${idOrTag}".`);
  if (found.length > 1) {
    const projects = await Promise.all(found.map((each) => store.projects.get(caller.tenantId, each.projectId)));
    throw new PlatformError(
      'release_tag_ambiguous',
      `The tag "${idOrTag}" names a release in ${projects.map(({ slug }) => slug).join(', ')}: name the project.`,
    );
  }
  return release;
}
