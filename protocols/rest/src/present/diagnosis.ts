import type { BuildRun } from '@eve/domain';
import type * as contract from '../contract/index.ts';
import type { Context, Diagnosis } from '../operations.ts';
import { presentArtifact, presentBuildRun, presentFailure, presentStep, presentWaiting } from './build-runs.ts';
import { presentBuildSpec, presentLine } from './builds.ts';
import { iso } from './time.ts';

export function presentDiagnosis(context: Context, found: Diagnosis): contract.BuildDiagnosis {
  const { spec, runs, run, artifacts, steps, cache, logs, waiting, failure, lastGood } = found;
  const present = (each: BuildRun) => presentBuildRun(each, each.id === run?.id ? waiting : null);
  return {
    spec: presentBuildSpec(spec),
    runs: runs.map(present),
    run: run && present(run),
    artifacts: artifacts.map((artifact) => presentArtifact(context, artifact)),
    steps: steps.map(presentStep),
    cache: cache && { steps: cache.steps, hits: cache.hits, rate: cache.rate },
    logs: logs.map(presentLine),
    waiting: presentWaiting(waiting),
    failure: failure && presentFailure(failure),
    last_good: lastGood && presentLastGood(lastGood),
  };
}

function presentLastGood({ spec, run, differences }: NonNullable<Diagnosis['lastGood']>): contract.LastGood {
  return {
    build_id: spec.id,
    number: spec.number,
    run_id: run.id,
    git_sha: spec.gitSha,
    completed_at: iso(run.completedAt),
    differences: differences.map(({ what, before, after }) => ({ what, before, after })),
  };
}
