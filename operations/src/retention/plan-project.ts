import { keptRevisions, planBuilds, planReleases, type RetentionPolicy, retentionActor } from '@eve/domain';
import { removeUnlessNeeded } from '../builds/delete-builds.ts';
import { recordAct } from '../organisations/record-act.ts';
import type { Records } from '../ports/store.ts';
import {
  type Planned,
  type ProjectPlan,
  type RetainedProject,
  type RetentionNeeds,
  retentionCaller,
} from './planned.ts';

/** Older ones go with the next collection. */
const mostBuilds = 10_000;

/** Reads what a project has, and settles by the rules what goes of it. */
export async function planProject(
  { retention }: Pick<Records, 'retention'>,
  project: RetainedProject,
  policy: RetentionPolicy,
  before: Date,
): Promise<ProjectPlan> {
  const { tenantId, projectId } = project;
  const planned = await planProjectReleases({ retention }, project, policy, before);
  const beyond = await retention.builds(tenantId, projectId, { keep: policy.builds, limit: mostBuilds });
  const { deleted, emptied } = planBuilds(beyond, planned.releases, before);
  return {
    ...{ project, ...planned },
    builds: { deleted: deleted.map(({ id }) => id), emptied: emptied.map(({ id }) => id) },
  };
}

/** As planProject, of its releases alone. */
export async function planProjectReleases(
  { retention }: Pick<Records, 'retention'>,
  { tenantId, projectId }: Pick<RetainedProject, 'tenantId' | 'projectId'>,
  policy: Pick<RetentionPolicy, 'revisions' | 'releases'>,
  before: Date,
): Promise<Pick<ProjectPlan, 'releases' | 'pinned'>> {
  const revisions = keptRevisions(await retention.revisions(tenantId, { projectId }), policy);
  const pinned = new Set(revisions.map(({ releaseId }) => releaseId));
  return { releases: planReleases(await retention.releases(tenantId, projectId), pinned, policy, before), pinned };
}

/** Releases before the builds that they name, and both before their images: what is left by a crash is named by nobody. */
export function plannedRecords(
  platform: RetentionNeeds,
  { project, releases, builds }: ProjectPlan,
  policy: RetentionPolicy,
  actor: string,
  before: Date,
): readonly Planned[] {
  const rule = `releases: not among the newest ${policy.releases}, and no revision that serves or can be restored has it`;
  const { tenantId } = project;
  const caller = retentionCaller(tenantId, actor);
  const nameOf = ({ id, tag }: { id: string; tag: string | null }) => project.prefix + (tag ?? id);
  return [
    ...releases.deleted.map(
      (release): Planned => ({
        garbage: { kind: 'release', id: nameOf(release), sizeBytes: null, rule },
        remove: () =>
          ifStillPlanned(platform, project, policy, before, release.id, 'deleted', async (records) => {
            await records.releases.delete(tenantId, release.id);
            const act = { subjectKind: 'release', subjectId: release.id, from: 'recorded', to: 'deleted' };
            await recordAct(records, caller, { ...act, event: 'delete', at: platform.now() });
          }),
      }),
    ),
    ...releases.retired.map(
      (release): Planned => ({
        garbage: { kind: 'release', id: nameOf(release), sizeBytes: null, rule: `${rule}; history keeps its record` },
        remove: () =>
          ifStillPlanned(platform, project, policy, before, release.id, 'retired', (records) =>
            records.releases.block(tenantId, {
              releaseId: release.id,
              reason: 'its images are no longer kept: build and release the commit again',
              blockedBy: retentionActor,
              blockedAt: platform.now(),
            }),
          ),
      }),
    ),
    ...builds.deleted.map(
      (id): Planned => ({
        garbage: {
          kind: 'build',
          id,
          sizeBytes: null,
          rule: `builds: not among the newest ${policy.builds}, and no release names it`,
        },
        // Where Eve runs the registry its images are collected there, when they are old enough.
        remove: () => removeUnlessNeeded(platform, caller, id, { images: platform.registryStorage === null }),
      }),
    ),
  ];
}

/** What was decided is asked again while no revision of the release can be made. */
async function ifStillPlanned(
  { store }: Pick<RetentionNeeds, 'store'>,
  project: RetainedProject,
  policy: RetentionPolicy,
  before: Date,
  id: RetainedReleaseId,
  what: 'deleted' | 'retired',
  act: (records: Records) => Promise<void>,
): Promise<boolean> {
  return store.transaction(async (records) => {
    if (!(await records.retention.lockRelease(project.tenantId, id))) return false;
    const { releases } = await planProjectReleases(records, project, policy, before);
    if (!releases[what].some((each) => each.id === id)) return false;
    await act(records);
    return true;
  });
}

type RetainedReleaseId = ProjectPlan['releases']['deleted'][number]['id'];
