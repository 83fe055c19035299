import { isId, PlatformError, type ProjectId, type Release, type ReleaseBlock } from '@eve/domain';
import { authorize, type Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import type { Records } from '../ports/store.ts';
import type { Listed } from '../ports/stored.ts';

export interface ListedRelease {
  readonly release: Release;
  readonly block: ReleaseBlock | null;
}

/** The releases of a project with their blocks, newest first; `gitSha` is its beginning. */
export async function listReleases(
  { store }: Pick<Platform, 'store'>,
  caller: Caller,
  projectId: ProjectId,
  page: Parameters<Records['releases']['list']>[2],
): Promise<Listed<ListedRelease>> {
  authorize(caller, 'read', projectId);
  await store.projects.get(caller.tenantId, projectId);
  const { items, nextCursor } = await store.releases.list(caller.tenantId, projectId, page);
  const blocks = await store.releases.blocks(
    caller.tenantId,
    items.map(({ id }) => id),
  );
  const blockOf = new Map(blocks.map((block) => [block.releaseId, block]));
  return { items: items.map((release) => ({ release, block: blockOf.get(release.id) ?? null })), nextCursor };
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
    if (projectId !== null && release.projectId !== projectId)
      throw new PlatformError('release_not_found', `The project has no release ${idOrTag}.`);
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
