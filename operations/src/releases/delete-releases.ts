import { highestVersion, PlatformError, type ProjectId, type Release } from '@eve/domain';
import { authorize, type Caller } from '../caller.ts';
import { recordAct } from '../organisations/record-act.ts';
import { invalidField } from '../organisations/refuse.ts';
import type { Platform } from '../platform.ts';
import { getRelease } from './read-releases.ts';

type Needs = Pick<Platform, 'store' | 'now'>;

const defaultKeep = 10;
const mostAtOnce = 1000;

/** What pruning did. */
export interface PrunedReleases {
  readonly deleted: readonly Release[];
  /** Those beyond the newest that stay, and why. */
  readonly kept: readonly { readonly release: Release; readonly reason: string }[];
}

/** Deletes a release that no revision names; its images are left to the garbage collection. Throws `release_in_use` naming where it is. */
export async function deleteRelease(
  platform: Needs,
  caller: Caller,
  { release: idOrTag, projectId }: { release: string; projectId?: ProjectId },
): Promise<Release> {
  const release = await getRelease(platform, caller, idOrTag, projectId);
  authorize(caller, 'release', release.projectId);
  await remove(platform, caller, release);
  return release;
}

/**
 * Deletes releases beyond the newest `keep`, oldest first: never one that an environment runs or could go back to, nor the one
 * that the next version is counted from. At most 1,000 at once; what is left goes with the next call.
 */
export async function pruneReleases(
  platform: Needs,
  caller: Caller,
  projectId: ProjectId,
  keep: number = defaultKeep,
): Promise<PrunedReleases> {
  authorize(caller, 'release', projectId);
  await platform.store.projects.get(caller.tenantId, projectId);
  if (!Number.isInteger(keep) || keep < 0 || keep > 100_000)
    throw invalidField('keep', 'must be a whole number from 0 to 100000');

  const all = await allReleases(platform, caller, projectId);
  const highest = highestVersion(all);
  const deleted: Release[] = [];
  const kept: { release: Release; reason: string }[] = [];
  for (const release of all.slice(keep).reverse()) {
    if (deleted.length >= mostAtOnce) break;
    if (release === highest) {
      kept.push({ release, reason: `the next version is counted from ${release.version}` });
      continue;
    }
    const reason = await removeUnlessNeeded(platform, caller, release);
    if (reason === null) deleted.push(release);
    else kept.push({ release, reason });
  }
  return { deleted, kept };
}

/** Newest first. */
async function allReleases({ store }: Pick<Needs, 'store'>, caller: Caller, projectId: ProjectId): Promise<Release[]> {
  const releases: Release[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = { limit: 100, ...(cursor !== undefined && { cursor }) };
    const { items, nextCursor } = await store.releases.list(caller.tenantId, projectId, page);
    releases.push(...items);
    if (nextCursor === null) return releases;
    cursor = nextCursor;
  }
}

/** Why it stays, null when it is gone. */
async function removeUnlessNeeded(platform: Needs, caller: Caller, release: Release): Promise<string | null> {
  try {
    await remove(platform, caller, release);
    return null;
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    if (error.code === 'release_not_found') return null;
    if (error.code === 'release_in_use') return error.message.replace(/^.* stays: |\.$/g, '');
    throw error;
  }
}

async function remove({ store, now }: Needs, caller: Caller, { tenantId, id }: Release): Promise<void> {
  await store.transaction(async (records) => {
    await records.releases.delete(tenantId, id);
    const act = { subjectKind: 'release', subjectId: id, from: 'recorded', to: 'deleted', event: 'delete' };
    await recordAct(records, caller, { ...act, at: now() });
  });
}
