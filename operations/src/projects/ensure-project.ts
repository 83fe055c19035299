import { PlatformError, type Project } from '@eve/domain';
import type { Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import { createProject, type ProjectRequest, projectSlug } from './create-project.ts';
import { findProject } from './get-project.ts';
import { checkedRepoUrl, isSameRepository } from './repository.ts';
import { updateProject } from './update-project.ts';

/** The project of this slug (or name), made when there is none. Throws `project_exists` for one of another repository or branch. */
export async function ensureProject(
  platform: Pick<Platform, 'store' | 'now' | 'newId' | 'settings'>,
  caller: Caller,
  request: ProjectRequest,
): Promise<{ project: Project; created: boolean }> {
  const slug = projectSlug(request);
  if (!(await platform.store.projects.findBySlug(caller.tenantId, slug))) {
    try {
      return { project: await createProject(platform, caller, request), created: true };
    } catch (error) {
      // Somebody else made it between the two statements: then it is there, which is what was asked for.
      if (!(error instanceof PlatformError && error.code === 'project_exists')) throw error;
    }
  }
  const project = await findProject(platform, caller, 'read', slug);
  const repoUrl = request.repoUrl ? checkedRepoUrl(request.repoUrl, platform.settings) : null;
  if (repoUrl !== null && project.repoUrl !== null && !isSameRepository(repoUrl, project.repoUrl)) {
    throw new PlatformError(
      'project_exists',
      `Project "${slug}" belongs to the repository ${project.repoUrl}. Choose another slug, or change that project's repository.`,
    );
  }
  if (repoUrl !== null && project.repoUrl === null) {
    const { branch, repoTokenSecret } = request;
    return {
      project: await updateProject(platform, caller, project.id, { repoUrl, branch, repoTokenSecret }),
      created: false,
    };
  }
  if (request.branch !== undefined && request.branch !== project.branch) {
    throw new PlatformError(
      'project_exists',
      `Project "${slug}" has the branch ${project.branch}. Leave the branch out, or change that project's branch.`,
    );
  }
  return { project, created: false };
}
