import {
  type BuildId,
  highestVersion,
  type Manifest,
  nextVersion,
  PlatformError,
  type Project,
  type ProjectId,
  parseVersion,
  type Release,
} from '@eve/domain';
import { manifestForCommit } from '../builds/create-build.ts';
import { authorize, type Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import type { Records } from '../ports/store.ts';
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
  /** Semantic, with or without a leading v. */
  readonly version?: string;
  /** Unique in the project; `v` + version unless given. */
  readonly tag?: string;
}

/**
 * Freezes sha, manifest hash and digests, from a build of the project or from given digests.
 * Throws `build_not_found`, `artifacts_missing`, `digest_mismatch`, `release_tag_taken`.
 */
export async function createRelease(
  platform: Needs,
  caller: Caller,
  projectId: ProjectId,
  request: CreateRelease,
): Promise<Release> {
  authorize(caller, 'release', projectId);
  const project = await platform.store.projects.get(caller.tenantId, projectId);
  const { gitSha, manifestHash } = await commitOf(platform, caller, projectId, request);
  const manifest = await manifestForCommit(platform, caller, projectId, gitSha, manifestHash);
  const choice = await choiceOf(platform, caller, request);
  const version = request.version === undefined ? null : parseVersion(request.version);
  if (request.version !== undefined && version === null) {
    throw new PlatformError(
      'request_invalid',
      `"${request.version}" is no semantic version such as 1.2.3, 1.0.0-beta.1 or 1.0.0+build.7.`,
    );
  }
  return freeze(
    platform,
    caller,
    { project, manifest, manifestHash, gitSha, buildId: request.buildId ?? null, choice },
    {
      tag: request.tag ?? (version && `v${version}`),
      version,
    },
  );
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
 * Stores a release. `auto` names take the next free version and return an equal release that exists already; `null` makes an
 * untagged one, or returns an equal one; a given tag that is taken is a conflict.
 */
export async function freeze(
  platform: Needs,
  caller: Caller,
  content: ReleaseContent,
  name: { tag: string | null; version: string | null } | { auto: readonly string[] },
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
  const stored = await store.transaction(async (records) => {
    if ('auto' in name || name.tag === null) {
      await records.releases.lockVersions(project.id);
      const equal = await records.releases.findEqual(release);
      if (equal && (equal.tag !== null || !('auto' in name))) return equal;
    }
    const named = 'auto' in name ? await nextFree(records, project, release, name.auto) : name;
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

async function nextFree(
  { releases }: Pick<Records, 'releases'>,
  project: Project,
  { tenantId }: Release,
  messages: readonly string[],
): Promise<{ tag: string; version: string }> {
  let version = nextVersion(highestVersion(await releases.versions(tenantId, project.id)), messages);
  while (await releases.findByTag(tenantId, project.id, `v${version}`)) version = nextVersion(version, []);
  return { version, tag: `v${version}` };
}
