import { type BuildId, type BuildRun, type BuildRunId, type BuildSpec, PlatformError } from '@eve/domain';
import { authorize, type Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import { chooseBuilder } from './choose-builder.ts';
import { buildWork, newBuildRun, refuseSharedEngine } from './start-build-run.ts';

type Needs = Pick<Platform, 'store' | 'now' | 'newId' | 'settings' | 'builders'>;

/**
 * Starts a run that builds again without any cache, and compares what comes out with the images of a completed run, the
 * newest unless one is named. It makes no artifacts. Throws `artifacts_missing`, `build_run_not_found`, `engine_capability_missing`.
 */
export async function verifyBuild(
  platform: Needs,
  caller: Caller,
  { buildId, runId }: { readonly buildId: BuildId; readonly runId?: BuildRunId },
): Promise<BuildRun> {
  const { store, builders } = platform;
  const spec = await store.buildSpecs.get(caller.tenantId, buildId);
  authorize(caller, 'build', spec.projectId);
  const original = await runToVerify(platform, spec, runId);
  const { reusedFrom } = original;
  const { backend: builtBy } = reusedFrom === null ? original : await store.buildRuns.get(spec.tenantId, reusedFrom);
  const { slug } = await store.organisations.get(spec.tenantId);
  const builder = await chooseBuilder(platform, builders[builtBy] ? builtBy : undefined, slug);
  const backend = builder.name;
  await refuseSharedEngine(platform);
  const capabilities = await builders[backend]?.capabilities(undefined, slug);
  if (!capabilities?.rewriteTimestamps) {
    throw new PlatformError(
      'engine_capability_missing',
      `Builds of the engine ${backend} (BuildKit ${capabilities?.buildkit ?? 'unknown'}) cannot be compared: it writes the time of the build into files, and only BuildKit 0.13 and later can rewrite it (rewriteTimestamps). Use a BuildKit builder: EVE_BUILDKIT=auto, or EVE_BUILDKIT_ADDR.`,
    );
  }
  const run: BuildRun = { ...newBuildRun(platform, spec, caller, builder), verifies: original.id };
  await store.transaction(async ({ buildRuns, queue }) => {
    await buildRuns.insert(run);
    await queue.add(buildWork(run));
  });
  return run;
}

/** The run whose images are verified; of several one that built them itself. One that took another build's over has recorded them as well. */
async function runToVerify(
  { store }: Pick<Platform, 'store'>,
  { tenantId, id }: BuildSpec,
  runId: BuildRunId | undefined,
): Promise<BuildRun> {
  const { items: runs } = await store.buildRuns.list(tenantId, id, { limit: 100 });
  const named = runId === undefined ? null : await store.buildRuns.get(tenantId, runId);
  if (named && named.buildId !== id) throw new PlatformError('build_run_not_found', `Build ${id} has no run ${runId}.`);
  const candidates = (named ? [named] : runs).filter(({ status, verifies }) => status === 'completed' && !verifies);
  const [newest] = candidates.filter(({ reusedFrom }) => reusedFrom === null).concat(candidates);
  if (!newest) {
    throw new PlatformError(
      'artifacts_missing',
      `Build ${id} has no completed run that could be verified${named ? `: ${named.id} is ${named.status}` : ''}. Run it: \`eve build run ${id}\`.`,
    );
  }
  return newest;
}
