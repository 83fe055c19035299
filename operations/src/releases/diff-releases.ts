import {
  type Manifest,
  type ManifestDifference,
  manifestDifferences,
  PlatformError,
  type Project,
  type ProjectId,
  type Release,
} from '@eve/domain';
import { repositoryOf } from '../builds/resolve-ref.ts';
import type { Caller } from '../caller.ts';
import { manifestOf } from '../deploys/queue-deploy.ts';
import type { Platform } from '../platform.ts';
import type { Commit } from '../ports/source.ts';
import { type ConfigDifference, configDifferences, configOfRelease } from './config-difference.ts';
import { type ImageDifference, imageDifferences } from './image-difference.ts';
import { getRelease } from './read-releases.ts';

type Needs = Pick<
  Platform,
  'store' | 'source' | 'blobs' | 'vault' | 'settings' | 'registry' | 'registryLogins' | 'log' | 'now'
>;

/** What lies between two releases. */
export interface ReleaseDifference {
  readonly before: Release;
  readonly after: Release;
  readonly commits: readonly Commit[];
  /** Whether the commits are all there are, and lead from one release to the other. */
  readonly commitsComplete: boolean;
  readonly manifest: readonly ManifestDifference[];
  readonly images: readonly ImageDifference[];
  /** Where environments are named. */
  readonly configuration: readonly ConfigDifference[] | null;
  /** What could not be looked at, and why. */
  readonly notes: readonly string[];
}

export interface DiffReleases {
  readonly projectId: ProjectId;
  readonly before: string;
  readonly after: string;
  /** Whose configuration is compared: as each ran the release, else the newest. The second is the first unless given. */
  readonly beforeEnv?: string;
  readonly afterEnv?: string;
}

const mostCommits = 250;
const waitMs = 60_000;

/** Compares two releases of a project: commits, manifests, images with their packages, configuration. */
export async function diffReleases(
  platform: Needs,
  caller: Caller,
  { projectId, before: from, after: to, beforeEnv, afterEnv = beforeEnv }: DiffReleases,
  signal: AbortSignal = AbortSignal.timeout(waitMs),
): Promise<ReleaseDifference> {
  const { store } = platform;
  const [before, after] = await Promise.all([
    getRelease(platform, caller, from, projectId),
    getRelease(platform, caller, to, projectId),
  ]);
  const project = await store.projects.get(caller.tenantId, projectId);
  const notes: string[] = [];
  const [then, now] = await Promise.all([
    manifestIfThere(platform, before, notes),
    manifestIfThere(platform, after, notes),
  ]);
  const [history, images, configs] = await Promise.all([
    commitsBetween(platform, project, before, after, notes, signal),
    imageDifferences(platform, project, { before, after, then, now }, notes, signal),
    Promise.all([
      configOfRelease(platform, caller, before, beforeEnv ?? afterEnv),
      configOfRelease(platform, caller, after, afterEnv),
    ]),
  ]);
  return {
    before,
    after,
    commits: history.commits,
    commitsComplete: history.complete,
    manifest: then && now && before.manifestHash !== after.manifestHash ? manifestDifferences(then, now) : [],
    images,
    configuration: afterEnv === undefined ? null : configDifferences(...configs),
    notes,
  };
}

/** Null for one that cannot be read any more. */
async function manifestIfThere(platform: Needs, release: Release, notes: string[]): Promise<Manifest | null> {
  try {
    return await manifestOf(platform, release);
  } catch (error) {
    if (!(error instanceof PlatformError) || error.code !== 'manifest_not_found') throw error;
    notes.push(`The manifest of ${nameOf(release)} cannot be read.`);
    return null;
  }
}

async function commitsBetween(
  platform: Needs,
  project: Project,
  before: Release,
  after: Release,
  notes: string[],
  signal: AbortSignal,
): Promise<Awaited<ReturnType<Platform['source']['commits']>>> {
  const none = { commits: [], complete: false };
  if (before.gitSha === after.gitSha) return { ...none, complete: true };
  if (before.gitSha === null || after.gitSha === null) {
    notes.push('The commits are not known: one of the releases was made without one.');
    return none;
  }
  try {
    const repository = await repositoryOf(platform, project);
    if (!repository) {
      notes.push('The commits are not known: the project has no repository.');
      return none;
    }
    const range = { repository, pack: null, from: before.gitSha, to: after.gitSha, limit: mostCommits };
    const found = await platform.source.commits(range, signal);
    if (found.complete) return found;
    const back = await platform.source.commits({ ...range, from: after.gitSha, to: before.gitSha }, signal);
    if (!back.complete) {
      notes.push(
        found.commits.length >= mostCommits
          ? `Only the newest ${mostCommits} commits were looked at.`
          : `The commit of ${nameOf(before)} does not lead to that of ${nameOf(after)}: all that lead to the latter are shown.`,
      );
      return found;
    }
    notes.push(`${nameOf(after)} is older than ${nameOf(before)}: the commits are those that it lacks.`);
    return back;
  } catch (error) {
    signal.throwIfAborted();
    platform.log.warn({ projectId: project.id, error: String(error) }, 'the commits of a release could not be read');
    notes.push('The commits are not known: the repository could not be read.');
    return none;
  }
}

function nameOf({ tag, id }: Release): string {
  return tag ?? id;
}
