import type { BuildId, EnvironmentId, ReleaseId, RevisionId } from './id.ts';
import { highestVersion } from './release.ts';

/** What is kept without anybody naming it. What a restorable revision names is kept whatever these say. */
export interface RetentionPolicy {
  /** Revisions per environment that can be rolled back to, the current one apart. */
  readonly revisions: number;
  /** Releases per project that never ran or were replaced long ago, newest first. */
  readonly releases: number;
  /** Builds per project, newest first; those that a release names stay besides. */
  readonly builds: number;
  /** How long the images of failed and unreleased builds, and what engines hold unused, stay. */
  readonly imagesMs: number;
  /** How long the logs of removed instances stay. */
  readonly logsMs: number;
  /** How often it is collected by itself; 0: only when asked. */
  readonly everyMs: number;
}

export type GarbageKind =
  | 'release'
  | 'build'
  | 'registry_image'
  | 'engine_image'
  | 'container'
  | 'network'
  | 'volume'
  | 'namespace'
  | 'blob'
  | 'instance_log';

/** One thing that goes, and by which rule. */
export interface Garbage {
  readonly kind: GarbageKind;
  /** A reference, name, key or id. */
  readonly id: string;
  readonly sizeBytes: number | null;
  /** Such as `releases: not among the newest 20`. */
  readonly rule: string;
}

/** Who blocks a release whose images are no longer kept: retention itself, so that nothing deploys it. */
export const retentionActor = 'retention';

/** A revision, as retention sees it. */
export interface RevisionFacts {
  readonly id: RevisionId;
  readonly environmentId: EnvironmentId;
  readonly number: number;
  readonly releaseId: ReleaseId;
  /** A deploy of it ended healthy. */
  readonly wasHealthy: boolean;
  readonly isCurrent: boolean;
  /** A deploy of it waits or is under way, or instances of it are up. */
  readonly isBusy: boolean;
}

/** Those whose images stay: what serves or is about to, and of each environment the newest that were healthy. */
export function keptRevisions<Revision extends RevisionFacts>(
  revisions: readonly Revision[],
  { revisions: keep }: Pick<RetentionPolicy, 'revisions'>,
): readonly Revision[] {
  const counted = new Map<EnvironmentId, number>();
  return revisions
    .toSorted((a, b) => b.number - a.number)
    .filter(({ environmentId, isCurrent, isBusy, wasHealthy }) => {
      if (isCurrent) return true;
      const before = counted.get(environmentId) ?? 0;
      if (!wasHealthy || before >= keep) return isBusy;
      counted.set(environmentId, before + 1);
      return true;
    });
}

/** A release, as retention sees it. */
export interface ReleaseFacts {
  readonly id: ReleaseId;
  /** Its tag, for people. */
  readonly tag: string | null;
  readonly version: string | null;
  readonly createdAt: Date;
  /** A revision names it, whether it can be restored or not. */
  readonly hasRun: boolean;
  /** A pipeline that has not ended names it. */
  readonly isBusy: boolean;
  readonly blockedBy: string | null;
}

/** What happens to releases: some are deleted; of those that history names only the images go, and they are blocked. */
export interface ReleasePlan<Release extends ReleaseFacts> {
  readonly deleted: readonly Release[];
  readonly retired: readonly Release[];
  /** Those whose images stay. */
  readonly kept: readonly Release[];
}

/**
 * Releases beyond the newest `releases` go that no kept revision names and that nobody blocked: a person's block is kept with its
 * reason. The highest version stays too, since the next one is counted from it.
 */
export function planReleases<Release extends ReleaseFacts>(
  releases: readonly Release[],
  pinned: ReadonlySet<ReleaseId>,
  { releases: keep }: Pick<RetentionPolicy, 'releases'>,
  before: Date,
): ReleasePlan<Release> {
  const plan = { deleted: [] as Release[], retired: [] as Release[], kept: [] as Release[] };
  const highest = highestVersion(releases);
  let counted = 0;
  for (const release of releases.toSorted((a, b) => (a.id < b.id ? 1 : -1))) {
    const { id, hasRun, isBusy, blockedBy, createdAt } = release;
    if (pinned.has(id) || isBusy || createdAt >= before) plan.kept.push(release);
    else if (blockedBy === retentionActor) {
      if (!hasRun && release !== highest) plan.deleted.push(release);
    } else if (release === highest) plan.kept.push(release);
    else if (blockedBy !== null || counted < keep) {
      plan.kept.push(release);
      if (blockedBy === null) counted += 1;
    } else (hasRun ? plan.retired : plan.deleted).push(release);
  }
  return plan;
}

/** A build beyond the newest ones, as retention sees it. */
export interface BuildFacts {
  readonly id: BuildId;
  readonly createdAt: Date;
  /** A run of it, or a pipeline with it, is under way. */
  readonly isBusy: boolean;
  /** Releases that were made of it, or name an image that it pushed. */
  readonly releases: readonly ReleaseId[];
}

/** Builds that go, and those that history names through their releases while their images go. */
export interface BuildPlan {
  readonly deleted: readonly BuildFacts[];
  readonly emptied: readonly BuildFacts[];
}

/** Of builds beyond the newest ones: those that no release names any more, and those that only retired ones name. */
export function planBuilds(
  builds: readonly BuildFacts[],
  {
    deleted,
    kept,
  }: { readonly deleted: readonly { readonly id: ReleaseId }[]; readonly kept: readonly { readonly id: ReleaseId }[] },
  before: Date,
): BuildPlan {
  const gone = new Set(deleted.map(({ id }) => id));
  const stays = new Set(kept.map(({ id }) => id));
  const idle = builds.filter(({ isBusy, createdAt }) => !isBusy && createdAt < before);
  const unneeded = idle.filter(({ releases }) => !releases.some((id) => stays.has(id)));
  return {
    deleted: unneeded.filter(({ releases }) => releases.every((id) => gone.has(id))),
    emptied: unneeded.filter(({ releases }) => !releases.every((id) => gone.has(id))),
  };
}

/** A manifest or index in the registry that Eve runs. */
export interface StoredManifest {
  readonly repository: string;
  readonly digest: string;
  /** Pushed or tagged last. */
  readonly pushedAt: Date;
  /** Manifests of the same repository that it lists, being an index. */
  readonly lists: readonly string[];
  /** What it needs: configuration, layers, itself. */
  readonly blobs: readonly { readonly digest: string; readonly sizeBytes: number }[];
}

/**
 * Manifests that go: pushed before a time and needed by nobody, nor listed by what stays; lists come before what they list.
 * A blob's size counts once, with the first that goes, and only when nothing that stays needs it.
 */
export function planManifests(
  manifests: readonly StoredManifest[],
  isNeeded: (manifest: StoredManifest) => boolean,
  before: Date,
): readonly (StoredManifest & { readonly freesBytes: number })[] {
  const placeOf = ({ repository }: StoredManifest, digest: string) => `${repository}@${digest}`;
  const all = new Map(manifests.map((manifest) => [placeOf(manifest, manifest.digest), manifest]));
  const staying = new Set<StoredManifest>();
  const stay = (manifest: StoredManifest): void => {
    if (staying.has(manifest)) return;
    staying.add(manifest);
    for (const digest of manifest.lists) {
      const listed = all.get(placeOf(manifest, digest));
      if (listed) stay(listed);
    }
  };
  for (const manifest of manifests) if (manifest.pushedAt >= before || isNeeded(manifest)) stay(manifest);

  const counted = new Set([...staying].flatMap(({ blobs }) => blobs.map(({ digest }) => digest)));
  return manifests
    .filter((manifest) => !staying.has(manifest))
    .toSorted((a, b) => Number(b.lists.length > 0) - Number(a.lists.length > 0))
    .map((manifest) => {
      const freed = manifest.blobs.filter(({ digest }) => !counted.has(digest) && counted.add(digest));
      return { ...manifest, freesBytes: freed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
    });
}
