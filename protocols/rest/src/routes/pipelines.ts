import { PlatformError } from '@eve/domain';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import * as contract from '../contract/index.ts';
import type { Context } from '../operations.ts';
import { given, pageOf, presentPage, presentWhole } from '../paging.ts';
import { presentPipeline, presentPipelineRun, presentRunDetail } from '../present/pipelines.ts';
import { projectOf } from './project-of.ts';

const ofProject = z.object({ project_id: contract.ProjectName });
const ofPipeline = ofProject.extend({ pipeline: z.string().min(1).max(64) });
const ofRun = z.object({ run_id: contract.PipelineRunId });
const tags = ['pipelines'];

/** Pipelines of the manifest, and runs of them. */
export const pipelineRoutes: FastifyPluginAsyncZod<Context> = async (app, context) => {
  const { platform, operations } = context;

  app.get(
    '/projects/:project_id/pipelines',
    {
      schema: {
        operationId: 'listPipelines',
        tags,
        summary: 'List the pipelines of the manifest',
        params: ofProject,
        response: { 200: contract.pageOf(contract.Pipeline) },
      },
    },
    async ({ caller, params }) => {
      const { id } = await projectOf(context, caller, params.project_id);
      const pipelines = await operations.listPipelines(platform, caller, id);
      return presentWhole(pipelines, (pipeline) => presentPipeline(id, pipeline));
    },
  );

  app.get(
    '/projects/:project_id/pipelines/:pipeline',
    {
      schema: {
        operationId: 'getPipeline',
        tags,
        summary: 'Show a pipeline',
        params: ofPipeline,
        response: { 200: contract.Pipeline },
      },
    },
    async ({ caller, params }) => {
      const { id } = await projectOf(context, caller, params.project_id);
      const pipelines = await operations.listPipelines(platform, caller, id);
      const found = pipelines.find(({ name }) => name === params.pipeline);
      if (!found) {
        const names = pipelines.map(({ name }) => name).join(', ') || 'none';
        throw new PlatformError(
          'pipeline_not_found',
          `There is no pipeline ${params.pipeline}; the manifest has: ${names}.`,
        );
      }
      return presentPipeline(id, found);
    },
  );

  for (const verb of ['run', 'runs'] as const) {
    app.post(
      `/projects/:project_id/pipelines/:pipeline/${verb}`,
      {
        schema: {
          operationId: 'startPipelineRun',
          tags,
          hide: verb === 'runs',
          summary: 'Run a pipeline for a commit',
          params: ofPipeline,
          body: contract.StartPipelineRun,
          response: { 201: contract.PipelineRunDetail },
        },
      },
      async (request, reply) => {
        const { id: projectId } = await projectOf(context, request.caller, request.params.project_id);
        const { git_sha, ref, manifest_hash: manifestHash, env_name, env, inputs } = request.body;
        const gitSha = git_sha ?? ref;
        const started = await operations.startPipelineRun(platform, request.caller, {
          projectId,
          pipeline: request.params.pipeline,
          ...given({ gitSha, manifestHash, envName: env_name ?? env, inputs }),
        });
        return reply.code(201).send(presentRunDetail(started));
      },
    );
  }

  for (const path of ['/projects/:project_id/runs', '/projects/:project_id/pipelines/:pipeline/runs'] as const) {
    const named = path.includes(':pipeline');
    app.get(
      path,
      {
        schema: {
          operationId: named ? 'listRunsOfPipeline' : 'listPipelineRuns',
          tags,
          summary: named ? 'List the runs of a pipeline' : 'List the runs of all pipelines',
          params: named ? ofPipeline : ofProject,
          querystring: contract.ListPipelineRuns,
          response: { 200: contract.pageOf(contract.PipelineRun) },
        },
      },
      async ({ caller, params, query }) => {
        const { id } = await projectOf(context, caller, params.project_id);
        const pipeline = 'pipeline' in params ? String(params.pipeline) : undefined;
        const filter = { ...pageOf(query), ...given({ pipeline, status: query.status }) };
        return presentPage(await operations.listPipelineRuns(platform, caller, id, filter), query, presentPipelineRun);
      },
    );
  }

  app.get(
    '/pipeline-runs/:run_id',
    {
      schema: {
        operationId: 'getPipelineRun',
        tags,
        summary: 'Show a pipeline run with its steps',
        params: ofRun,
        response: { 200: contract.PipelineRunDetail },
      },
    },
    async ({ caller, params }) => presentRunDetail(await operations.getPipelineRun(platform, caller, params.run_id)),
  );

  app.post(
    '/pipeline-runs/:run_id/cancel',
    {
      schema: {
        operationId: 'cancelPipelineRun',
        tags,
        summary: 'Cancel a pipeline run and what it has begun',
        params: ofRun,
        body: z.strictObject({ reason: z.string().max(500).nullish().describe('accepted, not used') }),
        response: { 201: contract.PipelineRunDetail },
      },
    },
    async (request, reply) => {
      const { run_id: runId } = request.params;
      await operations.cancelPipelineRun(platform, request.caller, runId);
      const detail = await operations.getPipelineRun(platform, request.caller, runId);
      return reply.code(201).send(presentRunDetail(detail));
    },
  );
};
