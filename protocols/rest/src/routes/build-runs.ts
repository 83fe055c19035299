import { PlatformError } from '@eve/domain';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import * as contract from '../contract/index.ts';
import type { Context } from '../operations.ts';
import { given, pageOf, presentPage, presentWhole } from '../paging.ts';
import { presentBuildRun, presentStep } from '../present/build-runs.ts';
import { logDescription, sendLog } from './send-log.ts';

const ofBuild = z.object({ build_id: contract.BuildId });
const ofRun = ofBuild.extend({ run_id: contract.BuildRunId });
const tags = ['build runs'];

/** Attempts to carry a build out, and what they print. */
export const buildRunRoutes: FastifyPluginAsyncZod<Context> = async (app, context) => {
  const { platform, operations } = context;
  const waitingOf = operations.buildRunWaiting.bind(null, platform);

  app.post(
    '/builds/:build_id/runs',
    {
      schema: {
        operationId: 'startBuildRun',
        tags,
        summary: 'Carry a build out',
        params: ofBuild,
        body: contract.StartBuildRun,
        response: { 201: contract.BuildRun },
      },
    },
    async (request, reply) => {
      const { build_id: buildId } = request.params;
      const run = await operations.startBuildRun(platform, request.caller, {
        buildId,
        ...given({ backend: request.body.backend, priority: request.body.priority }),
      });
      return reply.code(201).send(presentBuildRun(run, await waitingOf(run)));
    },
  );

  app.get(
    '/builds/:build_id/runs',
    {
      schema: {
        operationId: 'listBuildRuns',
        tags,
        summary: 'List the runs of a build, newest first',
        params: ofBuild,
        querystring: contract.ListBuildRuns,
        response: { 200: contract.pageOf(contract.BuildRun) },
      },
    },
    async ({ caller, params, query }) => {
      const page = await operations.listBuildRuns(platform, caller, params.build_id, pageOf(query));
      const waiting = new Map(
        await Promise.all(page.items.map(async (run) => [run.id, await waitingOf(run)] as const)),
      );
      return presentPage(page, query, (run) => presentBuildRun(run, waiting.get(run.id) ?? null));
    },
  );

  app.get(
    '/builds/:build_id/runs/:run_id',
    {
      schema: {
        operationId: 'getBuildRun',
        tags,
        summary: 'Show a run',
        params: ofRun,
        response: { 200: contract.BuildRun },
      },
    },
    async ({ caller, params: { build_id, run_id } }) => {
      const run = await operations.findBuildRun(platform, caller, build_id, run_id);
      if (!run) throw new PlatformError('build_run_not_found', `Build ${build_id} has no run ${run_id}.`);
      return presentBuildRun(run, await waitingOf(run));
    },
  );

  app.get(
    '/builds/:build_id/runs/:run_id/steps',
    {
      schema: {
        operationId: 'listBuildSteps',
        tags,
        summary: 'The steps of a run, of all its attempts and services: how long each took, whether it was cached',
        params: ofRun,
        response: { 200: contract.pageOf(contract.BuildStep) },
      },
    },
    async ({ caller, params: { build_id: buildId, run_id: runId } }) =>
      presentWhole(await operations.listBuildSteps(platform, caller, { buildId, runId }), presentStep),
  );

  app.post(
    '/builds/:build_id/verify',
    {
      schema: {
        operationId: 'verifyBuild',
        tags,
        summary: 'Build again without cache and compare the digests',
        params: ofBuild,
        body: contract.VerifyBuild,
        response: { 201: contract.BuildRun },
      },
    },
    async (request, reply) => {
      const about = { buildId: request.params.build_id, ...given({ runId: request.body.run_id }) };
      const run = await operations.verifyBuild(platform, request.caller, about);
      return reply.code(201).send(presentBuildRun(run, await waitingOf(run)));
    },
  );

  app.post(
    '/builds/:build_id/cancel',
    {
      schema: {
        operationId: 'cancelBuild',
        tags,
        summary: 'Cancel the latest run of a build, or a given one',
        params: ofBuild,
        body: contract.CancelBuild,
        response: { 201: contract.BuildRun },
      },
    },
    async (request, reply) => {
      const { build_id: buildId } = request.params;
      const { run_id: runId, reason } = request.body;
      const cancel = { buildId, ...given({ runId, reason }) };
      const run = await operations.cancelBuildRun(platform, request.caller, cancel);
      return reply.code(201).send(presentBuildRun(run, await waitingOf(run)));
    },
  );

  app.get(
    '/builds/:build_id/logs',
    {
      schema: {
        operationId: 'buildLogs',
        tags,
        summary: 'What a run printed; its follower sees lines as they come',
        description: logDescription,
        params: ofBuild,
        querystring: contract.BuildLogQuery,
        response: { 200: contract.LogPage },
      },
    },
    async (request, reply) => {
      const { caller, query, params } = request;
      const { build_id: buildId } = params;
      if (query.run_id === undefined && !query.follow && !request.headers.accept?.includes('event-stream')) {
        // A build that never ran has no lines, which is no error.
        if (!(await operations.findBuildRun(platform, caller, buildId))) return { logs: [] };
      }
      const log = await operations.openLog(platform, caller, { buildId, ...given({ runId: query.run_id }) });
      return sendLog(context, request, reply, query, log);
    },
  );
};
