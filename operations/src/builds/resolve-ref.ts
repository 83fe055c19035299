import { isGitSha, PlatformError, type Project, type ProjectId } from '@eve/domain';
import { authorize, type Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import type { Repository } from '../ports/source.ts';
import { resolveSecrets } from '../secrets/resolve-secrets.ts';

/** The full commit id behind a branch, tag or commit of the project's repository. Throws `ref_not_found`, `source_unreachable`. */
export async function resolveRef(
  platform: Pick<Platform, 'store' | 'source' | 'vault' | 'settings'>,
  caller: Caller,
  projectId: ProjectId,
  ref: string,
  signal: AbortSignal,
): Promise<{ ref: string; gitSha: string }> {
  authorize(caller, 'read', projectId);
  const project = await platform.store.projects.get(caller.tenantId, projectId);
  if (isGitSha(ref)) return { ref, gitSha: ref };
  const repository = await repositoryOf(platform, project);
  if (!repository) {
    throw new PlatformError(
      'ref_not_found',
      `Project ${project.slug} has no repository: give the full commit id, or --repo-dir.`,
    );
  }
  return { ref, gitSha: await platform.source.resolveRef(repository, ref, signal) };
}

/** The project's repository with what opens it; null when the project has none. */
export async function repositoryOf(
  platform: Pick<Platform, 'store' | 'vault' | 'settings'>,
  project: Project,
): Promise<Repository | null> {
  if (project.repoUrl === null) return null;
  const overSsh = /^(ssh:|[^/:@]+@[^/:]+:)/.test(project.repoUrl);
  const names = overSsh
    ? ['ssh_key', 'SSH_KEY']
    : [project.repoTokenSecret ?? 'GITHUB_TOKEN', 'GITHUB_TOKEN', 'GH_TOKEN'];
  const { values } = await resolveSecrets(platform, project, new Set(names));
  const value = names.map((name) => values[name]).find((found) => found !== undefined);
  return {
    url: project.repoUrl,
    credentials: value === undefined ? null : { kind: overSsh ? 'ssh_key' : 'token', value },
    allowLocal: platform.settings.localSources,
  };
}
