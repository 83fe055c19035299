import { highestVersion, nextVersion, type Project, versionBump } from '@eve/domain';
import { repositoryOf } from '../builds/resolve-ref.ts';
import type { Platform } from '../platform.ts';
import { sourceBlobKey } from '../sources/upload-source.ts';

type Needs = Pick<Platform, 'store' | 'source' | 'blobs' | 'vault' | 'settings' | 'log'>;
type History = Awaited<ReturnType<Platform['source']['commits']>>;

/** A version as it was counted, and what could not be looked at for it. */
export interface CountedVersion {
  readonly version: string;
  readonly note: string | null;
}

const historyMs = 30_000;
const mostCommits = 1000;

/**
 * The next version of a project at a commit: counted from its highest version whose commit leads to this one, by what the commits
 * since then say. Where the history cannot be read it is the patch after the highest.
 */
export async function nextReleaseVersion(
  platform: Needs,
  project: Project,
  gitSha: string | null,
  signal: AbortSignal = AbortSignal.timeout(historyMs),
): Promise<CountedVersion> {
  const versions = await platform.store.releases.versions(project.tenantId, project.id);
  const highest = highestVersion(versions);
  if (!highest) return { version: nextVersion(null, 'patch'), note: null };
  const patched = (note: string | null) => ({ version: nextVersion(highest.version, 'patch'), note });
  if (gitSha === null || highest.gitSha === gitSha) return patched(null);

  const read = reader(platform, project, gitSha, signal);
  const since = await read(highest.gitSha);
  if (typeof since === 'string') return patched(since);
  if (since.complete && highest.gitSha !== null) return counted(highest.version, since);

  // The highest is no ancestor, as on a branch for fixes of an older version: then one of those that are.
  const seen = new Set(since.commits.map(({ sha }) => sha));
  const base = highestVersion(versions.filter((each) => each.gitSha !== null && seen.has(each.gitSha)));
  const ofBase = base && (await read(base.gitSha));
  if (base && ofBase && typeof ofBase !== 'string' && ofBase.complete) return counted(base.version, ofBase);
  return {
    ...counted(highest.version, { ...since, commits: since.commits.slice(0, 1) }),
    note: `None of the commits that were released leads to ${gitSha.slice(0, 8)} as far as its history can be read: the version follows the highest one, ${highest.version}, by what this commit says.`,
  };
}

function counted(previous: string, { commits }: History): CountedVersion {
  return { version: nextVersion(previous, versionBump(commits.map(({ message }) => message))), note: null };
}

/** Reads the commits since another one, from the repository, else from the upload; a text says why it cannot be. */
function reader(
  platform: Needs,
  project: Project,
  to: string,
  signal: AbortSignal,
): (from: string | null) => Promise<History | string> {
  return async (from) => {
    const range = { from, to, limit: mostCommits };
    let why = `Project ${project.slug} has no repository`;
    try {
      const repository = await repositoryOf(platform, project);
      if (repository) return await platform.source.commits({ ...range, repository, pack: null }, signal);
    } catch (error) {
      platform.log.warn({ projectId: project.id, error: String(error) }, 'the history of a commit could not be read');
      why = `The history of ${to.slice(0, 8)} cannot be read`;
    }
    try {
      const pack = await platform.blobs.get(sourceBlobKey(project.id, to));
      if (pack) return await platform.source.commits({ ...range, repository: null, pack }, signal);
    } catch (error) {
      platform.log.warn({ projectId: project.id, error: String(error) }, 'the history of an upload could not be read');
      why = `The history of ${to.slice(0, 8)} cannot be read`;
    }
    return `${why}: the version is the next patch, whatever the commits say.`;
  };
}
