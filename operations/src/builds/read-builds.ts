import {
  type BuildArtifact,
  type BuildId,
  type BuildRun,
  type BuildRunId,
  type BuildRunStatus,
  type BuildSpec,
  type BuildStep,
  PlatformError,
  type ProjectId,
} from '@eve/domain';
import { authorize, type Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import type { Listed, ListedBuild, Page } from '../ports/stored.ts';
import type { QueuePosition } from '../ports/work-queue.ts';

type Reads = Pick<Platform, 'store'>;

/** The build specs of a project, newest first: of one commit, with a newest run in a state, for a service, since a time. */
export async function listBuilds(
  { store }: Reads,
  caller: Caller,
  projectId: ProjectId,
  page: Page & { gitSha?: string; status?: BuildRunStatus; service?: string; since?: Date },
): Promise<Listed<ListedBuild>> {
  authorize(caller, 'read', projectId);
  await store.projects.get(caller.tenantId, projectId);
  return store.buildSpecs.list(caller.tenantId, projectId, page);
}

/** One build spec. Throws `build_not_found`. */
export async function getBuild({ store }: Reads, caller: Caller, buildId: BuildId): Promise<BuildSpec> {
  const spec = await store.buildSpecs.get(caller.tenantId, buildId);
  authorize(caller, 'read', spec.projectId);
  return spec;
}

/** The runs of a build, newest first. */
export async function listBuildRuns(
  platform: Reads,
  caller: Caller,
  buildId: BuildId,
  page: Page,
): Promise<Listed<BuildRun>> {
  await getBuild(platform, caller, buildId);
  return platform.store.buildRuns.list(caller.tenantId, buildId, page);
}

/** One run. Throws `build_run_not_found`. */
export async function getBuildRun({ store }: Reads, caller: Caller, runId: BuildRunId): Promise<BuildRun> {
  const run = await store.buildRuns.get(caller.tenantId, runId);
  authorize(caller, 'read', run.projectId);
  return run;
}

/** The given run of a build, or its newest; null when it never ran. A run of another build is not found. */
export async function findBuildRun(
  platform: Reads,
  caller: Caller,
  buildId: BuildId,
  runId?: BuildRunId,
): Promise<BuildRun | null> {
  await getBuild(platform, caller, buildId);
  if (runId === undefined) return platform.store.buildRuns.latest(caller.tenantId, buildId);
  const run = await platform.store.buildRuns.get(caller.tenantId, runId);
  if (run.buildId !== buildId) throw new PlatformError('build_run_not_found', `Build ${buildId} has no run ${runId}.`);
  return run;
}

/** The images of a run, or of the newest completed run of the build. */
export async function listBuildArtifacts(
  platform: Reads,
  caller: Caller,
  buildId: BuildId,
  runId?: BuildRunId,
): Promise<readonly BuildArtifact[]> {
  if (runId === undefined) {
    await getBuild(platform, caller, buildId);
    return platform.store.buildArtifacts.listOfBuild(caller.tenantId, buildId);
  }
  await findBuildRun(platform, caller, buildId, runId);
  return platform.store.buildArtifacts.listOfRun(caller.tenantId, runId);
}

/** The steps of a run: of each attempt, by service, as they began. */
export async function listBuildSteps(
  platform: Reads,
  caller: Caller,
  { buildId, runId }: { buildId: BuildId; runId: BuildRunId },
): Promise<readonly BuildStep[]> {
  await findBuildRun(platform, caller, buildId, runId);
  return platform.store.buildSteps.listOfRun(caller.tenantId, runId);
}

/** Why a pending run does not move, and its place in the line; null for any other. */
export async function buildRunWaiting(
  { queue }: Pick<Platform, 'queue'>,
  run: BuildRun,
): Promise<QueuePosition | null> {
  return run.status === 'pending' ? queue.position('execute-build-run', run.id) : null;
}
