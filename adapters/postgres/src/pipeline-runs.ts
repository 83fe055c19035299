import { type OrganisationId, type PipelineRun, PlatformError, type Step } from '@eve/domain';
import type { Records } from '@eve/operations';
import type { Database } from './connection.ts';
import { listed } from './paging.ts';
import { json, nothing, part, raw } from './sql.ts';
import { changeState, insertStateful } from './state-change.ts';

const columns = raw(
  [
    'id, tenant_id as "tenantId", project_id as "projectId", pipeline_name as "pipelineName"',
    'environment_id as "environmentId", env_name as "envName", git_sha as "gitSha", manifest_hash as "manifestHash", inputs',
    'status, error_message as "errorMessage", requested_by as "requestedBy"',
    'created_at as "createdAt", started_at as "startedAt", completed_at as "completedAt"',
  ].join(', '),
);
const stepColumns = raw(
  [
    'id, tenant_id as "tenantId", run_id as "runId", index, name, action, env_name as "envName", depends_on as "dependsOn"',
    'inputs, status, output, subject_id as "subjectId", error_message as "errorMessage"',
    'started_at as "startedAt", completed_at as "completedAt"',
  ].join(', '),
);

/** Ways of commits and releases through pipelines, and their steps. */
export function pipelineRuns(database: Database): Records['pipelineRuns'] {
  const { sql } = database;
  return {
    insert: (run, steps) =>
      database.transaction(async (inside) => {
        await insertRun(inside, run);
        for (const step of steps) await insertStep(inside, step, run);
      }),

    async get(tenantId, id) {
      const [row] = await sql<PipelineRun>`
        select ${columns} from pipeline_runs where id = ${id} and tenant_id = ${tenantId}`;
      if (!row) throw notFound(id);
      return row;
    },

    steps: (tenantId, id) => sql<Step>`
      select ${stepColumns} from steps where tenant_id = ${tenantId} and run_id = ${id} order by index`,

    async getStep(tenantId, id) {
      const [row] = await sql<Step>`select ${stepColumns} from steps where id = ${id} and tenant_id = ${tenantId}`;
      if (!row) throw notFound(id);
      return row;
    },

    findStepBySubject: (tenantId, subjectId) => findStepBySubject(database, tenantId, subjectId),

    list(tenantId, projectId, { pipeline, status, ...page }) {
      const ofPipeline = pipeline === undefined ? nothing : part`and pipeline_name = ${pipeline}`;
      const ofStatus = status === undefined ? nothing : part`and status = ${status}`;
      const where = part`tenant_id = ${tenantId} and project_id = ${projectId} ${ofPipeline} ${ofStatus}`;
      return listed(database, { columns, table: raw('pipeline_runs'), where, page });
    },

    update(run, change) {
      const { environmentId, envName, errorMessage, startedAt, completedAt } = run;
      return changeState(database, 'pipeline_run', run, change, {
        set: part`environment_id = ${environmentId}, env_name = ${envName}, error_message = ${errorMessage},
          started_at = ${startedAt}, completed_at = ${completedAt}`,
      });
    },

    updateStep(step, change) {
      const { inputs, output, subjectId, errorMessage, startedAt, completedAt } = step;
      return changeState(database, 'step', step, change, {
        set: part`inputs = ${json(inputs)}::jsonb, output = ${json(output)}::jsonb, subject_id = ${subjectId},
          error_message = ${errorMessage}, started_at = ${startedAt}, completed_at = ${completedAt}`,
      });
    },

    unfinished: () => sql<PipelineRun>`
      select ${columns} from pipeline_runs
      where status in ('pending', 'running', 'awaiting_approval') order by id`,
  };
}

async function findStepBySubject({ sql }: Database, tenantId: OrganisationId, subjectId: string): Promise<Step | null> {
  const [row] = await sql<Step>`
    select ${stepColumns} from steps
    where tenant_id = ${tenantId} and subject_id = ${subjectId} and status in ('running', 'blocked')
    order by id desc limit 1`;
  return row ?? null;
}

function insertRun(inside: Database, run: PipelineRun): Promise<void> {
  const { id, tenantId, projectId, pipelineName, environmentId, envName, gitSha, manifestHash, inputs, status } = run;
  return insertStateful(inside, 'pipeline_run', run, {
    actor: run.requestedBy,
    at: run.createdAt,
    insert: part`
      insert into pipeline_runs (id, tenant_id, project_id, pipeline_name, environment_id, env_name, git_sha,
        manifest_hash, inputs, status, error_message, requested_by, created_at, started_at, completed_at)
      values (${id}, ${tenantId}, ${projectId}, ${pipelineName}, ${environmentId}, ${envName}, ${gitSha},
        ${manifestHash}, ${json(inputs)}, ${status}, ${run.errorMessage}, ${run.requestedBy}, ${run.createdAt},
        ${run.startedAt}, ${run.completedAt})`,
  });
}

function insertStep(inside: Database, step: Step, run: PipelineRun): Promise<void> {
  const { id, tenantId, runId, index, name, action, envName, dependsOn, inputs, status, output } = step;
  return insertStateful(inside, 'step', step, {
    actor: run.requestedBy,
    at: run.createdAt,
    insert: part`
      insert into steps (id, tenant_id, run_id, index, name, action, env_name, depends_on, inputs, status, output,
        subject_id, error_message, started_at, completed_at)
      values (${id}, ${tenantId}, ${runId}, ${index}, ${name}, ${action}, ${envName}, ${dependsOn}, ${json(inputs)},
        ${status}, ${json(output)}, ${step.subjectId}, ${step.errorMessage}, ${step.startedAt}, ${step.completedAt})`,
  });
}

function notFound(id: string): PlatformError {
  return new PlatformError('pipeline_run_not_found', `There is no pipeline run or step ${id}.`);
}
