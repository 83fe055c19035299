import { advanceBuildRun, type BuildArtifact, type BuildRun, type BuildSpec, type Project } from '@eve/domain';
import type { Lease } from '@eve/operations';
import type { TestDatabase } from './index.ts';
import { leaseFor } from './lease.ts';
import { at, sampleArtifact, sampleRun, sampleSpec } from './samples.ts';

type Scene = Pick<TestDatabase, 'store' | 'database'>;

/** A build whose run is under way in the hands of a worker. */
export async function startedBuild(
  db: Scene,
  project: Project,
  over: Partial<BuildSpec> = {},
  runOver: Partial<BuildRun> = {},
): Promise<{ spec: BuildSpec; run: BuildRun; lease: Lease }> {
  const spec = await db.store.buildSpecs.insertOrGet(sampleSpec(project, over));
  const run = sampleRun(spec, runOver);
  await db.store.buildRuns.insert(run);
  const lease = await leaseFor(db, 'execute-build-run', run);
  const building = advanceBuildRun(run, { type: 'start' }, at);
  await db.store.buildRuns.update(building, { was: 'pending', event: 'start', actor: 'worker', lease });
  return { spec, run: building, lease };
}

/** Ends a run well, and its work with it. */
export async function completeBuild(db: Scene, run: BuildRun, lease: Lease): Promise<BuildRun> {
  const completed = advanceBuildRun(run, { type: 'complete' }, at);
  await db.store.transaction(async ({ buildRuns, queue }) => {
    await buildRuns.update(completed, { was: 'building', event: 'complete', actor: 'worker', lease });
    await queue.settle(lease);
  });
  return completed;
}

/** A completed build with the image of one service. */
export async function finishedBuild(
  db: Scene,
  project: Project,
  over: Partial<BuildSpec> = {},
): Promise<{ spec: BuildSpec; run: BuildRun; artifact: BuildArtifact }> {
  const { spec, run, lease } = await startedBuild(db, project, over);
  const artifact = sampleArtifact(run, { serviceName: spec.services?.[0] ?? 'web' });
  await db.store.buildArtifacts.insert(artifact, lease);
  return { spec, run: await completeBuild(db, run, lease), artifact };
}
