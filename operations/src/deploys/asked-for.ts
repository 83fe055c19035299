import { type Manifest, PlatformError, type ProjectId, type Release } from '@eve/domain';
import { manifestForCommit } from '../builds/create-build.ts';
import type { Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import { getRelease } from '../releases/read-releases.ts';
import { manifestOf } from './queue-deploy.ts';

/** How a request says what it wants to deploy or run a pipeline for. */
export interface AskedFor {
  readonly projectId: ProjectId;
  readonly gitSha?: string;
  readonly manifestHash?: string;
  readonly releaseTag?: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
}

/** The commit of a request, with its manifest. */
export interface CommitAskedFor {
  readonly gitSha: string | null;
  readonly manifestHash: string;
  readonly manifest: Manifest;
}

/** The release that a request names, by tag or in its inputs by id or tag; null when it names none. Throws `release_not_found`. */
export async function releaseAskedFor(
  platform: Pick<Platform, 'store'>,
  caller: Caller,
  { projectId, releaseTag, inputs }: AskedFor,
): Promise<Release | null> {
  const named = releaseTag ?? inputs?.release_id ?? inputs?.release_tag;
  if (named === undefined || named === null) return null;
  if (typeof named !== 'string')
    throw new PlatformError('deploy_request_invalid', 'inputs.release_id and inputs.release_tag must be texts.');
  const release = await getRelease(platform, caller, named, projectId);
  if (release.projectId !== projectId)
    throw new PlatformError('release_not_found', `The project has no release ${named}.`);
  return release;
}

/** The commit that a request means: the release's own, or the one that it names with its manifest. Throws `release_ref_mismatch`. */
export async function commitAskedFor(
  platform: Pick<Platform, 'store'>,
  caller: Caller,
  request: AskedFor,
  release: Release | null,
): Promise<CommitAskedFor> {
  const { gitSha, manifestHash, projectId } = request;
  if (release) {
    if (gitSha !== undefined && release.gitSha !== gitSha) {
      throw new PlatformError(
        'release_ref_mismatch',
        `Release ${release.tag ?? release.id} was made of ${release.gitSha}, the request names ${gitSha}: leave one of them out.`,
      );
    }
    return {
      gitSha: release.gitSha,
      manifestHash: release.manifestHash,
      manifest: await manifestOf(platform, release),
    };
  }
  if (gitSha === undefined || manifestHash === undefined) {
    throw new PlatformError(
      'deploy_request_invalid',
      'Deploy request requires release_tag or both git_sha and manifest_hash.',
    );
  }
  return { gitSha, manifestHash, manifest: await manifestForCommit(platform, caller, projectId, gitSha, manifestHash) };
}
