import {
  type BuildId,
  isId,
  type Manifest,
  nextVersion,
  PlatformError,
  type Project,
  type ProjectId,
  parseVersion,
  type Release,
  retentionActor,
} from '@eve/domain';
import { manifestForCommit } from '../builds/create-build.ts';
import { authorize, type Caller } from '../caller.ts';
import { invalidField } from '../organisations/refuse.ts';
import type { Platform } from '../platform.ts';
import type { Records } from '../ports/store.ts';
import { whileImagesStay } from '../retention/registry-gate.ts';
import { nextReleaseVersion } from './next-release-version.ts';
import { type ImageChoice, resolveImages } from './resolve-images.ts';
import { tagImages } from './tag-images.ts';

type Needs = Pick<
  Platform,
  'store' | 'vault' | 'registryLogins' | 'registry' | 'settings' | 'now' | 'newId' | 'deployer' | 'log'
>;

export interface CreateRelease {
  readonly gitSha?: string;
  readonly manifestHash?: string;
  readonly buildId?: BuildId;
  readonly imageDigests?: Readonly<Record<string, string>>;
  /** Semantic, with or without a leading v. Unless given: what the tag says, where that is a version; without a tag the next one. */
  readonly version?: string;
  /** Unique in the project; `v` + version unless given. */
  readonly tag?: string;
}

/** A release, and what could not be looked at for its version. */
export interface CreatedRelease {
  readonly release: Release;
  readonly note: string | null;
}

/**
 * Freezes sha, manifest hash and digests, from a build of the project or from given digests. Without a name it takes the next
 * version, or is the equal release that has one already.
 * Throws `build_not_found`, `artifacts_missing`, `digest_mismatch`, `release_tag_taken`.
 */
export async function createRelease(
  platform: Needs & Pick<Platform, 'source' | 'blobs'>,
  caller: Caller,
  projectId: ProjectId,
  request: CreateRelease,
): Promise<CreatedRelease> {
  authorize(caller, 'release', projectId);
  const project = await platform.store.projects.get(caller.tenantId, projectId);
  const name = nameOf(request);
  const { gitSha, manifestHash } = await commitOf(platform, caller, projectId, request);
  const manifest = await manifestForCommit(platform, caller, projectId, gitSha, manifestHash);
  const choice = await choiceOf(platform, caller, request);
  const content = { project, manifest, manifestHash, gitSha, buildId: request.buildId ?? null, choice };
  return name
    ? { release: await freeze(platform, caller, content, name), note: null }
    : freezeNext(platform, caller, content);
}

/** As freeze, with the next version. */
export async function freezeNext(
  platform: Needs & Pick<Platform, 'source' | 'blobs'>,
  caller: Caller,
  content: ReleaseContent,
): Promise<CreatedRelease> {
  let note: string | null = null;
  const next = async () => {
    const counted = await nextReleaseVersion(platform, content.project, content.gitSha);
    note = counted.note;
    return counted.version;
  };
  const release = await freeze(platform, caller, content, { next });
  return { release, note };
}

const longestVersion = 100;

/** The name that was asked for; null: the next one. */
function nameOf(request: CreateRelease): { tag: string; version: string | null } | null {
  const { tag } = request;
  if (tag !== undefined && (isId('rel', tag) || /^(?:\d+|previous)$/.test(tag))) {
    throw invalidField('tag', `"${tag}" means something else wherever a release is named: choose another tag.`);
  }
  if (request.version === undefined) return tag === undefined ? null : { tag, version: parseVersion(tag) };
  const version = request.version.length > longestVersion ? null : parseVersion(request.version);
  if (version === null) {
    throw invalidField(
      'version',
      `"${request.version.slice(0, longestVersion)}" is no semantic version such as 1.2.3, 1.0.0-beta.1 or 1.0.0+build.7.`,
    );
  }
  return { tag: tag ?? `v${version}`, version };
}

async function commitOf(
  { store }: Pick<Platform, 'store'>,
  caller: Caller,
  projectId: ProjectId,
  request: CreateRelease,
): Promise<{ gitSha: string; manifestHash: string }> {
  const spec = request.buildId ? await store.buildSpecs.get(caller.tenantId, request.buildId) : null;
  if (spec && spec.projectId !== projectId)
    throw new PlatformError('build_not_found', `The project has no build ${request.buildId}.`);
  const gitSha = request.gitSha ?? spec?.gitSha;
  const manifestHash = request.manifestHash ?? spec?.manifestHash;
  if (!gitSha || !manifestHash) {
    throw new PlatformError(
      'request_invalid',
      'A release needs build_id, or git_sha and manifest_hash with image_digests.',
    );
  }
  if (spec && (spec.gitSha !== gitSha || spec.manifestHash !== manifestHash)) {
    throw new PlatformError(
      'release_ref_mismatch',
      `Build ${spec.id} was made of ${spec.gitSha} with manifest ${spec.manifestHash}.`,
    );
  }
  return { gitSha, manifestHash };
}

async function choiceOf(
  { store }: Pick<Platform, 'store'>,
  caller: Caller,
  request: CreateRelease,
): Promise<ImageChoice> {
  if (request.imageDigests) return { kind: 'digests', digests: request.imageDigests };
  if (!request.buildId) throw new PlatformError('request_invalid', 'A release needs build_id or image_digests.');
  const artifacts = await store.buildArtifacts.listOfBuild(caller.tenantId, request.buildId);
  if (artifacts.length === 0) {
    throw new PlatformError(
      'artifacts_missing',
      `Build ${request.buildId} has no images: run it with \`eve build run ${request.buildId}\`.`,
    );
  }
  return { kind: 'artifacts', artifacts };
}

/** What a release is made of, before its name is settled. */
export interface ReleaseContent {
  readonly project: Project;
  readonly manifest: Manifest;
  readonly manifestHash: string;
  readonly gitSha: string | null;
  readonly buildId: BuildId | null;
  readonly choice: ImageChoice;
}

/**
 * Stores a release. `next` makes the version that is wanted and leads to one that is free, or to the equal release that has a tag
 * already; a null tag makes an untagged one, or leads to an equal one; a given tag or version that is taken is a conflict.
 */
export function freeze(
  platform: Needs,
  caller: Caller,
  content: ReleaseContent,
  name: { tag: string | null; version: string | null } | { next: () => Promise<string> },
): Promise<Release> {
  return whileImagesStay(platform, (unchanged) => freezeNow(platform, caller, content, name, unchanged));
}

async function freezeNow(
  platform: Needs,
  caller: Caller,
  content: ReleaseContent,
  name: Parameters<typeof freeze>[3],
  unchanged: (records: Pick<Records, 'locks'>) => Promise<void>,
): Promise<Release> {
  const { store, now, newId } = platform;
  const { project, manifest, manifestHash, gitSha, buildId, choice } = content;
  const release: Release = {
    id: newId('rel'),
    tenantId: project.tenantId,
    projectId: project.id,
    gitSha,
    manifestHash,
    images: await resolveImages(platform, project, manifest, choice),
    buildId,
    version: null,
    tag: null,
    local: choice.kind === 'local',
    createdBy: caller.actor,
    createdAt: now(),
  };
  const equalOne = async ({ releases }: Pick<Records, 'releases'>) => {
    if (!('next' in name) && name.tag !== null) return null;
    const equal = await releases.findEqual(release);
    return equal && (equal.tag !== null || !('next' in name)) ? equal : null;
  };
  const existing = await equalOne(store);
  if (existing && !(await isRetired(store, existing))) return existing;
  // The history is read before the lock is taken.
  const wanted = 'next' in name ? await name.next() : null;
  const stored = await store.transaction(async (records) => {
    await records.releases.lockVersions(project.id);
    await unchanged(records);
    const equal = await equalOne(records);
    if (equal) {
      // Its images were built again.
      if (await isRetired(records, equal)) await records.releases.unblock(equal.tenantId, equal.id);
      return equal;
    }
    const named = 'next' in name ? await nextFree(records, release, wanted ?? '0.1.0') : name;
    if (!('next' in name)) await refuseTakenVersion(records, release, name.version);
    const next = { ...release, version: named.version, tag: named.tag };
    await records.releases.insert(next);
    return next;
  });
  if (stored.id === release.id && stored.version && !stored.local) {
    // The release stands without it: nothing is deployed by a tag.
    await tagImages(platform, project, stored).catch((error: unknown) =>
      platform.log.warn(
        { releaseId: stored.id, error: String(error) },
        'images could not be tagged with their version',
      ),
    );
  }
  return stored;
}

/** Whether retention let its images go. */
async function isRetired({ releases }: Pick<Records, 'releases'>, { tenantId, id }: Release): Promise<boolean> {
  return (await releases.blocks(tenantId, [id])).some(({ blockedBy }) => blockedBy === retentionActor);
}

async function nextFree(
  { releases }: Pick<Records, 'releases'>,
  { tenantId, projectId }: Release,
  wanted: string,
): Promise<{ tag: string; version: string }> {
  const taken = new Set((await releases.versions(tenantId, projectId)).map(({ version }) => version));
  let version = wanted;
  while (taken.has(version) || (await releases.findByTag(tenantId, projectId, `v${version}`)))
    version = nextVersion(version, 'patch');
  return { version, tag: `v${version}` };
}

/** Two releases of one version would share the tags of their images. */
async function refuseTakenVersion(
  { releases }: Pick<Records, 'releases'>,
  { tenantId, projectId }: Release,
  version: string | null,
): Promise<void> {
  if (version === null) return;
  const [holder] = (await releases.list(tenantId, projectId, { version, limit: 1 })).items;
  if (holder) {
    throw new PlatformError(
      'release_tag_taken',
      `The project has the version ${version} already: release ${holder.tag ?? holder.id}.`,
    );
  }
}
