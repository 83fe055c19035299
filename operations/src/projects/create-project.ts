import { isSlug, PlatformError, type Project, slugOf } from '@eve/domain';
import type { Caller } from '../caller.ts';
import { recordAct } from '../organisations/record-act.ts';
import { authorizeOrganisation, checkedName, invalidField } from '../organisations/refuse.ts';
import type { Platform } from '../platform.ts';
import { checkedBranch, checkedRepoUrl, checkedSecretName } from './repository.ts';

/** What a project is made from. Without a slug, one is derived from the name. */
export interface ProjectRequest {
  readonly name: string;
  readonly slug?: string;
  readonly repoUrl?: string | null;
  readonly branch?: string;
  readonly repoTokenSecret?: string | null;
}

/** Makes a project. Throws `project_exists` when the organisation has one of this slug. */
export async function createProject(
  { store, now, newId, settings }: Pick<Platform, 'store' | 'now' | 'newId' | 'settings'>,
  caller: Caller,
  request: ProjectRequest,
): Promise<Project> {
  authorizeOrganisation(caller, 'configure');
  const project: Project = {
    id: newId('proj'),
    tenantId: caller.tenantId,
    slug: projectSlug(request),
    name: checkedName(request.name),
    repoUrl: request.repoUrl ? checkedRepoUrl(request.repoUrl, settings) : null,
    branch: checkedBranch(request.branch ?? 'main'),
    repoTokenSecret: request.repoTokenSecret ? checkedSecretName(request.repoTokenSecret, 'repo_token_secret') : null,
    createdAt: now(),
  };
  await store.transaction(async (records) => {
    if (await records.projects.findBySlug(caller.tenantId, project.slug)) {
      throw new PlatformError(
        'project_exists',
        `There is a project "${project.slug}" already. Choose another slug, or use that project.`,
      );
    }
    await records.projects.insert(project);
    await recordAct(records, caller, {
      subjectKind: 'project',
      subjectId: project.id,
      from: null,
      to: 'active',
      event: 'create',
      at: project.createdAt,
    });
  });
  return project;
}

/** The slug asked for (in lower case), or the one that the name makes. Throws `request_invalid`. */
export function projectSlug({ slug, name }: Pick<ProjectRequest, 'slug' | 'name'>): string {
  const wanted = slug?.toLowerCase() ?? slugOf(name);
  if (isSlug(wanted)) return wanted;
  const message = 'Give a slug of at most 20 lower-case letters, digits and single hyphens, a letter first.';
  throw invalidField('slug', slug === undefined ? `No slug can be made of this name. ${message}` : message);
}
