import {
  type Environment,
  keptRevisions,
  PlatformError,
  type Release,
  type ReleaseBlock,
  type ReleaseId,
  type Revision,
  type RevisionFacts,
  retentionActor,
} from '@eve/domain';
import { renderImage } from '../builds/image-place.ts';
import { manifestOf } from '../deploys/manifest-of.ts';
import type { Platform } from '../platform.ts';
import { loginFor, readingLogins } from '../registry/registry-login.ts';

type Needs = Pick<Platform, 'store' | 'vault' | 'registry' | 'registryLogins' | 'deployer' | 'settings' | 'now'>;

export type RestorableCode =
  | 'current'
  | 'restorable'
  | 'never_healthy'
  | 'release_blocked'
  | 'image_gone'
  | 'beyond_retention'
  /** A registry or the engine did not answer: it may be restorable. */
  | 'unknown';

/** Whether a revision can be brought back, and why not. */
export interface Restorable {
  readonly revision: Revision;
  readonly release: Release;
  readonly code: RestorableCode;
  /** For people: `the release v1.2.0 is blocked: leaks memory`; null for what is current or can be restored. */
  readonly reason: string | null;
  /** What it names is kept: because of itself, or of another revision with the same release. */
  readonly pinned: boolean;
}

/**
 * Says of revisions of one environment which can be restored. Asks the registries for each image of those that could be, once.
 * Nothing is thrown for a registry that is away: then the code is `unknown`.
 */
export async function restorableRevisions(
  platform: Needs,
  environment: Pick<Environment, 'id' | 'tenantId'>,
  revisions: readonly Revision[],
  signal?: AbortSignal,
): Promise<readonly Restorable[]> {
  const { store, settings } = platform;
  const { tenantId, id: environmentId } = environment;
  const facts = await store.retention.revisions(tenantId, { environmentId });
  // A release that another revision keeps is kept for all of them.
  const kept = new Set(keptRevisions(facts, settings.retention).map(({ releaseId }) => releaseId));
  const known = new Map(facts.map((each) => [each.id, each]));
  const releaseIds = [...new Set(revisions.map(({ releaseId }) => releaseId))];
  const releases = new Map(
    await Promise.all(releaseIds.map(async (id) => [id, await store.releases.get(tenantId, id)] as const)),
  );
  const blocks = new Map((await store.releases.blocks(tenantId, releaseIds)).map((each) => [each.releaseId, each]));
  const looked = new Map<ReleaseId, Promise<Why>>();

  return Promise.all(
    revisions.map(async (revision): Promise<Restorable> => {
      const release = releases.get(revision.releaseId) as Release; // read above
      const pinned = kept.has(release.id);
      const answer = (code: RestorableCode, reason: string | null) => ({ revision, release, code, reason, pinned });
      const why = refusedBy(known.get(revision.id), release, blocks.get(release.id), pinned, settings.retention);
      if (why) return answer(...why);
      const look = looked.get(release.id) ?? missingImage(platform, release, signal);
      looked.set(release.id, look);
      return answer(...(await look));
    }),
  );
}

/** Why a revision cannot be restored, as an answer; null when it can. */
export function unrestorable({ name }: Pick<Environment, 'name'>, found: Restorable): PlatformError | null {
  if (!found.reason) return null;
  const code =
    found.code === 'release_blocked'
      ? 'release_blocked'
      : found.code === 'unknown'
        ? 'registry_unavailable'
        : 'rollback_target_missing';
  return new PlatformError(code, `${name}#${found.revision.number} cannot be restored: ${found.reason}.`);
}

type Why = readonly [RestorableCode, string | null];

/** What the records alone say; null where the images have to be looked for. */
function refusedBy(
  facts: RevisionFacts | undefined,
  release: Release,
  block: ReleaseBlock | undefined,
  pinned: boolean,
  { revisions }: { readonly revisions: number },
): Why | null {
  const name = release.tag ?? release.id;
  if (facts?.isCurrent) return ['current', null];
  if (!facts?.wasHealthy) return ['never_healthy', 'it never became healthy'];
  if (block && block.blockedBy !== retentionActor) {
    return ['release_blocked', `release ${name} is blocked: ${block.reason}`];
  }
  if (pinned && !block) return null;
  return [
    'beyond_retention',
    `besides the current one only the newest ${revisions} that were healthy are kept${block ? ', and the images of this one have gone' : ''}`,
  ];
}

async function missingImage(platform: Needs, release: Release, signal?: AbortSignal): Promise<Why> {
  try {
    const gone = await findMissing(platform, release, signal);
    if (!gone) return ['restorable', null];
    const from = gone.local ? 'the local engine' : 'the registry';
    return ['image_gone', `the image of service ${gone.service} has gone from ${from}: ${gone.reference}`];
  } catch (error) {
    signal?.throwIfAborted();
    return ['unknown', `its images could not be looked for (${error instanceof Error ? error.message : 'no answer'})`];
  }
}

async function findMissing(
  platform: Needs,
  release: Release,
  signal?: AbortSignal,
): Promise<{ service: string; reference: string; local: boolean } | null> {
  const { store, settings, registry, deployer } = platform;
  const [project, organisation] = await Promise.all([
    store.projects.get(release.tenantId, release.projectId),
    store.organisations.get(release.tenantId),
  ]);
  const manifest = await manifestOf(platform, release);
  const owner = { organisation: organisation.slug, project: project.slug };
  const logins = await readingLogins(platform, manifest, {
    ...owner,
    tenantId: release.tenantId,
    projectId: release.projectId,
  });
  const looked = Object.entries(release.images).map(async ([service, { image, digest }]) => {
    // As the deploy takes it: what a local release built stands in the engine under its id.
    const local = release.local && Boolean(manifest.services[service]?.build);
    const reference = local ? digest : renderImage(settings, image, digest);
    const there = local
      ? (await deployer.localImage(digest)) !== null
      : await registry.exists(reference, loginFor(logins, image, settings), signal);
    return there ? null : { service, reference, local };
  });
  return (await Promise.all(looked)).find((missing) => missing !== null) ?? null;
}
