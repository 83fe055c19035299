import type { BuildSpec, ProjectId, Release, ReleaseBlock } from '@eve/domain';
import type { Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import { getRelease } from './read-releases.ts';

/** A release with what is known about it. */
export interface ShownRelease {
  readonly release: Release;
  readonly block: ReleaseBlock | null;
  /** Null when it was made of given digests, or its build is gone. */
  readonly build: BuildSpec | null;
  /** The environments that run it now. */
  readonly running: readonly ReleasePlace[];
}

export interface ReleasePlace {
  readonly environment: string;
  readonly revision: number;
  /** Since when it serves there. */
  readonly since: Date | null;
  readonly by: string | null;
}

/** As getRelease, with its block, its build and where it runs. */
export async function showRelease(
  { store }: Pick<Platform, 'store'>,
  caller: Caller,
  idOrTag: string,
  projectId?: ProjectId,
): Promise<ShownRelease> {
  const release = await getRelease({ store }, caller, idOrTag, projectId);
  const { tenantId, buildId } = release;
  const [[block], build, running] = await Promise.all([
    store.releases.blocks(tenantId, [release.id]),
    buildId === null ? null : store.buildSpecs.get(tenantId, buildId),
    placesOf({ store }, release),
  ]);
  return { release, block: block ?? null, build, running };
}

/** The environments that run a release now. */
export async function placesOf(
  { store }: Pick<Platform, 'store'>,
  { id, tenantId, projectId }: Release,
): Promise<readonly ReleasePlace[]> {
  const places: ReleasePlace[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await store.environments.board(
      tenantId,
      { projectId },
      { limit: 100, ...(cursor !== undefined && { cursor }) },
    );
    for (const { environment, release, revisionNumber, since, by } of page.items) {
      if (release?.id !== id || revisionNumber === null) continue;
      places.push({ environment: environment.name, revision: revisionNumber, since, by });
    }
    if (page.nextCursor === null) return places.sort((a, b) => a.environment.localeCompare(b.environment));
    cursor = page.nextCursor;
  }
}
