import type { Release, ReleaseBlock } from '@eve/domain';
import type * as contract from '../contract/index.ts';
import type { Context, PrunedReleases, ReleaseDifference, ShownRelease } from '../operations.ts';
import { presentRelease } from './environments.ts';
import { iso } from './time.ts';

export function presentListedRelease(
  context: Context,
  { release, block }: { readonly release: Release; readonly block: ReleaseBlock | null },
): contract.ListedRelease {
  return {
    ...presentRelease(context, release),
    block: block && { reason: block.reason, blocked_by: block.blockedBy, blocked_at: iso(block.blockedAt) },
  };
}

export function presentReleaseDetail(context: Context, shown: ShownRelease): contract.ReleaseDetail {
  return {
    ...presentListedRelease(context, shown),
    build_number: shown.build?.number ?? null,
    running_in: shown.running.map(({ environment, revision, since, by }) => ({
      env_name: environment,
      revision,
      since: since && iso(since),
      by,
    })),
  };
}

export function presentPrunedReleases({ deleted, kept }: PrunedReleases): contract.PrunedReleases {
  const named = ({ id, tag }: Release) => ({ id, tag });
  return {
    deleted: deleted.length,
    releases: deleted.map(named),
    kept: kept.map(({ release, reason }) => ({ ...named(release), reason })),
  };
}

export function presentReleaseDiff(context: Context, difference: ReleaseDifference): contract.ReleaseDiff {
  const side = (image: ReleaseDifference['images'][number]['before']) =>
    image && { image_ref: image.reference, digest: image.digest, size_bytes: image.sizeBytes };
  return {
    before: presentRelease(context, difference.before),
    after: presentRelease(context, difference.after),
    commits: difference.commits.map(({ sha, author, at, message }) => ({ sha, author, at: iso(at), message })),
    commits_complete: difference.commitsComplete,
    manifest: difference.manifest.map((each) => ({ ...each })),
    images: difference.images.map(({ service, before, after, same, packages }) => ({
      ...{ service, before: side(before), after: side(after), same },
      packages: packages && [...packages],
    })),
    configuration: difference.configuration && [...difference.configuration],
    notes: [...difference.notes],
  };
}
