import type { BuildRun } from '@eve/domain';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import * as contract from '../contract/index.ts';
import type { Context } from '../operations.ts';
import { given, pageOf, presentPage } from '../paging.ts';
import {
  presentArtifact,
  presentBuildRun,
  presentBuildSpec,
  presentFailure,
  presentLine,
  presentWaiting,
} from '../present/builds.ts';
import { projectOf } from './project-of.ts';

const ofProject = z.object({ project_id: contract.ProjectName });
const ofBuild = z.object({ build_id: contract.BuildId });
const tags = ['builds'];

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
        response: { 200: contract.pageOf(contract.BuildSpec) },
      },
    },
    async ({ caller, params, query }) => {
      const { id } = await projectOf(context, caller, params.project_id);
      const filter = given({ gitSha: query.git_sha, status: query.status });
      const page = await operations.listBuilds(platform, caller, id, { ...pageOf(query), ...filter });
      return presentPage(page, query, presentBuildSpec);
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
      const { spec, runs, artifacts, logs, waiting, failure } = found;
      const waitingOf = (run: BuildRun) => (run.id === runs[0]?.id ? waiting : null);
      return {
        spec: presentBuildSpec(spec),
        runs: runs.map((run) => presentBuildRun(run, waitingOf(run))),
        artifacts: artifacts.map((artifact) => presentArtifact(context, artifact)),
        logs: logs.map(presentLine),
        waiting: presentWaiting(waiting),
        failure: failure && presentFailure(failure),
      };
    },
  );
};

function inputsOf({ force_rebuild, tag, build_args, platforms, timeout }: z.output<typeof contract.BuildInputs>) {
  return given({
    forceRebuild: force_rebuild,
    tag,
    buildArgs: build_args,
    platforms,
    timeoutMs: timeout === undefined ? undefined : milliseconds(timeout),
  });
}

const unitMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

function milliseconds(duration: number | string): number {
  const [, amount, unit = 's'] = /^(\d+)([a-z]*)$/.exec(String(duration)) ?? [];
  return Number(amount) * (unitMs[unit || 's'] ?? 1000);
}
