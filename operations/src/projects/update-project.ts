import type { Project } from '@eve/domain';
import type { Caller } from '../caller.ts';
import { recordAct } from '../organisations/record-act.ts';
import { checkedName } from '../organisations/refuse.ts';
import type { Platform } from '../platform.ts';
import type { ProjectRequest } from './create-project.ts';
import { findProject } from './get-project.ts';
import { checkedBranch, checkedRepoUrl, checkedSecretName } from './repository.ts';

/** Changes what is given and leaves the rest; null takes the repository or the secret's name away. */
export async function updateProject(
  { store, now, settings }: Pick<Platform, 'store' | 'now' | 'settings'>,
  caller: Caller,
  idOrSlug: string,
  change: Partial<Omit<ProjectRequest, 'slug'>>,
): Promise<Project> {
  return store.transaction(async (records) => {
    const project = await findProject({ store: records }, caller, 'configure', idOrSlug);
    const { name, repoUrl, branch, repoTokenSecret } = change;
    const changed: Project = {
      ...project,
      ...(name !== undefined && { name: checkedName(name) }),
      ...(repoUrl !== undefined && { repoUrl: repoUrl === null ? null : checkedRepoUrl(repoUrl, settings) }),
      ...(branch !== undefined && { branch: checkedBranch(branch) }),
      ...(repoTokenSecret !== undefined && {
        repoTokenSecret: repoTokenSecret === null ? null : checkedSecretName(repoTokenSecret, 'repo_token_secret'),
      }),
    };
    await records.projects.update(changed);
    await recordAct(records, caller, {
      subjectKind: 'project',
      subjectId: project.id,
      from: 'active',
      to: 'active',
      event: 'update',
      at: now(),
    });
    return changed;
  });
}
