import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import * as contract from '../contract/index.ts';
import { durationMs, sinceOf } from '../duration.ts';
import type { Context } from '../operations.ts';
import { given, pageOf, presentPage } from '../paging.ts';
import { presentArtifact } from '../present/build-runs.ts';
import { presentBuildSpec, presentListedBuild } from '../present/builds.ts';
import { presentDiagnosis } from '../present/diagnosis.ts';
import { projectOf } from './project-of.ts';

const ofProject = z.object({ project_id: contract.ProjectName });
const ofBuild = z.object({ build_id: contract.BuildId });
const tags = ['builds'];
const defaultKeep = 10;

/** What is to be built, and what came of it. */
export const buildRoutes: FastifyPluginAsyncZod<Context> = async (app, context) => {
  const { platform, operations } = context;

  app.post(
    '/projects/:project_id/builds',
    {
      schema: {
        operationId: 'createBuild',
        tags,
        summary: 'Record what is to be built; the same again gives the same build',
        params: ofProject,
        body: contract.CreateBuild,
        response: { 201: contract.BuildSpec },
      },
    },
    async (request, reply) => {
      const { id } = await projectOf(context, request.caller, request.params.project_id);
      const { git_sha: gitSha, manifest_hash: manifestHash, services, inputs, registry, cache } = request.body;
      const spec = await operations.createBuild(platform, request.caller, id, {
        gitSha,
        manifestHash,
        services: services ?? null,
        inputs: inputs ? inputsOf(inputs) : null,
        ...given({ registry }),
        cache: cache ?? null,
      });
      return reply.code(201).send(presentBuildSpec(spec));
    },
  );

  app.get(
    '/projects/:project_id/builds',
    {
      schema: {
        operationId: 'listBuilds',
        tags,
        summary: 'List builds, newest first',
        params: ofProject,
        querystring: contract.ListBuilds,
        response: { 200: contract.pageOf(contract.ListedBuild) },
      },
    },
    async ({ caller, params, query }) => {
      const { id } = await projectOf(context, caller, params.project_id);
      const filter = given({
        gitSha: query.git_sha,
        status: query.status,
        service: query.service,
        since: query.since === undefined ? undefined : sinceOf(query.since, platform.now()),
      });
      const page = await operations.listBuilds(platform, caller, id, { ...pageOf(query), ...filter });
      return presentPage(page, query, presentListedBuild);
    },
  );

  app.get(
    '/builds/:build_id',
    {
      schema: {
        operationId: 'getBuild',
        tags,
        summary: 'Show a build',
        params: ofBuild,
        response: { 200: contract.BuildSpec },
      },
    },
    async ({ caller, params }) => presentBuildSpec(await operations.getBuild(platform, caller, params.build_id)),
  );

  app.delete(
    '/builds/:build_id',
    {
      schema: {
        operationId: 'deleteBuild',
        tags,
        summary:
          'Delete a build with its runs, artifacts and logs; never one that a release names or that is under way',
        params: ofBuild,
        response: { 204: z.undefined() },
      },
    },
    async ({ caller, params }, reply) => {
      await operations.deleteBuild(platform, caller, params.build_id);
      return reply.code(204).send();
    },
  );

  app.post(
    '/projects/:project_id/builds/prune',
    {
      schema: {
        operationId: 'pruneBuilds',
        tags,
        summary: 'Delete old builds: beyond the newest, and only what no release names',
        params: ofProject,
        body: contract.PruneBuilds,
        response: { 201: contract.PrunedBuilds },
      },
    },
    async ({ caller, params, body }, reply) => {
      const { id } = await projectOf(context, caller, params.project_id);
      const deleted = await operations.pruneBuilds(platform, caller, id, body.keep ?? defaultKeep);
      return reply.code(201).send({ deleted });
    },
  );

  app.get(
    '/builds/:build_id/artifacts',
    {
      schema: {
        operationId: 'listBuildArtifacts',
        tags,
        summary: 'The images of the newest completed run, or of a given one',
        params: ofBuild,
        querystring: contract.ListArtifacts,
        response: { 200: contract.pageOf(contract.BuildArtifact) },
      },
    },
    async ({ caller, params, query }) => {
      const all = await operations.listBuildArtifacts(platform, caller, params.build_id, query.run_id);
      const from = Number(query.cursor ?? query.offset ?? 0);
      const items = all.slice(from, from + query.limit);
      const nextCursor = from + items.length < all.length ? String(from + items.length) : null;
      return presentPage({ items, nextCursor }, query, (artifact) => presentArtifact(context, artifact));
    },
  );

  app.get(
    '/builds/:build_id/diagnose',
    {
      schema: {
        operationId: 'diagnoseBuild',
        tags,
        summary: 'Everything about a build, with the last 30 log lines and what to do about a failure',
        params: ofBuild,
        response: { 200: contract.BuildDiagnosis },
      },
    },
    async ({ caller, params }) => {
      const found = await operations.diagnoseBuild(platform, caller, params.build_id);
      return presentDiagnosis(context, found);
    },
  );
};

function inputsOf(inputs: z.output<typeof contract.BuildInputs>) {
  const { retry_policy: retry } = inputs;
  return given({
    forceRebuild: inputs.force_rebuild,
    tag: inputs.tag,
    buildArgs: inputs.build_args,
    platforms: inputs.platforms,
    timeoutMs: durationMs(inputs.timeout),
    retryPolicy:
      retry &&
      given({
        maxRetries: retry.max_retries,
        initialDelayMs: durationMs(retry.initial_delay),
        maxDelayMs: durationMs(retry.max_delay),
      }),
  });
}
