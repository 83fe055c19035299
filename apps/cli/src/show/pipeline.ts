import type { PipelineRun, PipelineRunDetail, Step } from '@eve/protocol-rest/contract';
import { fields, shortHash, shortSha, table, tookOf, when } from '../output/text.ts';

export function pipelineRunFields({ run }: Pick<PipelineRunDetail, 'run'>): string[] {
  return fields({
    Pipeline: run.pipeline_name,
    Status: run.status,
    Environment: run.env_name,
    SHA: run.git_sha && shortSha(run.git_sha),
    Manifest: shortHash(run.manifest_hash),
    'Requested by': run.requested_by,
    Created: when(run.created_at),
    Took: tookOf(run),
    Error: run.error_message,
  });
}

export function stepTable(steps: readonly Step[]): string[] {
  const [head = '', ...rows] = table(
    ['Step', 'Type', 'Status', 'Took', 'Work'],
    steps.map((step) => [step.step_name, step.step_type, step.status, tookOf(step) ?? '-', workOf(step)]),
  );
  return [
    head,
    ...rows.flatMap((row, index) => {
      const step = steps[index];
      const error = step?.error_message;
      return [row, ...(step ? waitLine(step) : []), ...(error ? [`  Error: ${error.split('\n')[0]}`] : [])];
    }),
  ];
}

function waitLine({ waits_for: waitsFor, subject_id: deploy }: Step): string[] {
  if (!waitsFor) return [];
  return [
    `  Waits for ${waitsFor} of ${deploy}: eve deploy ${waitsFor === 'approval' ? 'approve' : 'promote'} ${deploy}`,
  ];
}

function workOf({ output_json: output, subject_id: subject }: Step): string {
  for (const name of ['deploy_id', 'release_id', 'build_id']) {
    const value = output?.[name];
    if (typeof value === 'string' && (name !== 'release_id' || !output?.deploy_id)) return value;
  }
  return subject ?? '-';
}

export function pipelineRunTable(runs: readonly PipelineRun[]): string[] {
  const rows = runs.map((run) => [
    run.id,
    run.pipeline_name,
    run.status,
    run.env_name ?? '-',
    shortSha(run.git_sha),
    when(run.created_at),
    tookOf(run) ?? '-',
  ]);
  return table(['Run ID', 'Pipeline', 'Status', 'Environment', 'SHA', 'Created', 'Took'], rows);
}

/** How a run ended, and where to look when it did not succeed. */
export function runOutcome({ run, steps }: PipelineRunDetail): string[] {
  const took = tookOf(run);
  const after = took ? ` after ${took}` : '';
  const of = `Pipeline ${run.pipeline_name}${run.env_name ? ` to ${run.env_name}` : ''}`;
  if (run.status === 'succeeded') return [`${of} succeeded${after}.`];
  if (run.status === 'awaiting_approval')
    return [`${of} waits for an approval. Look at it: eve pipeline show-run ${run.id}`];
  const failed = steps.find(({ status }) => status === 'failed');
  const why = failed?.error_message ?? run.error_message;
  return [
    `${of} ${run.status === 'cancelled' ? 'was cancelled' : run.status}${after}${failed ? ` at step ${failed.step_name}` : ''}${why ? `: ${why.split('\n')[0]}` : '.'}`,
    ...lookAt(failed),
  ];
}

function lookAt(step: Step | undefined): string[] {
  const build = step?.output_json?.build_id;
  if (step?.step_type === 'build' && typeof build === 'string') return [`  More: eve build diagnose ${build}`];
  if (step?.subject_id?.startsWith('dep_')) return [`  More: eve deploy logs ${step.subject_id}`];
  return [];
}
