import type { Pipeline, PipelineRun, ProjectId, Step } from '@eve/domain';
import type { DescribedPipelineRun } from '@eve/operations';
import type * as contract from '../contract/index.ts';
import { iso } from './time.ts';

export function presentPipeline(projectId: ProjectId, { name, steps }: Pipeline): contract.Pipeline {
  return {
    project_id: projectId,
    name,
    definition: {
      steps: steps.map((step) => ({
        name: step.name,
        depends_on: [...step.dependsOn],
        action: { type: step.action, env_name: step.envName, inputs: { ...step.inputs } },
      })),
    },
  };
}

export function presentPipelineRun(run: PipelineRun): contract.PipelineRun {
  return {
    id: run.id,
    project_id: run.projectId,
    pipeline_name: run.pipelineName,
    env_name: run.envName,
    git_sha: run.gitSha,
    manifest_hash: run.manifestHash,
    inputs: { ...run.inputs },
    status: run.status,
    error_message: run.errorMessage,
    requested_by: run.requestedBy,
    created_at: iso(run.createdAt),
    started_at: iso(run.startedAt),
    completed_at: iso(run.completedAt),
  };
}

function presentStep(step: Step, waitsFor: contract.Step['waits_for']): contract.Step {
  return {
    id: step.id,
    pipeline_run_id: step.runId,
    step_index: step.index,
    step_name: step.name,
    step_type: step.action,
    env_name: step.envName,
    depends_on: [...step.dependsOn],
    status: step.status,
    subject_id: step.subjectId,
    waits_for: waitsFor,
    input_json: { ...step.inputs },
    output_json: step.output && { ...step.output },
    error_message: step.errorMessage,
    started_at: iso(step.startedAt),
    completed_at: iso(step.completedAt),
    duration_ms: step.startedAt && step.completedAt ? step.completedAt.getTime() - step.startedAt.getTime() : null,
  };
}

/** A run with its steps; one that has just begun waits for nobody. */
export function presentRunDetail({
  run,
  steps,
  waits = new Map(),
}: Pick<DescribedPipelineRun, 'run' | 'steps'> &
  Partial<Pick<DescribedPipelineRun, 'waits'>>): contract.PipelineRunDetail {
  return { run: presentPipelineRun(run), steps: steps.map((step) => presentStep(step, waits.get(step.id) ?? null)) };
}
