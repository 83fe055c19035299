import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import * as contract from '../contract/index.ts';
import type { Context } from '../operations.ts';
import { given, pageOf, presentPage } from '../paging.ts';
import { presentEnvironment, presentStatus } from '../present/environments.ts';
import { projectOf } from './project-of.ts';

/** The routes of environments exist under two names; the second is for clients that know no other, and undocumented. */
export interface EnvironmentContext extends Context {
  readonly base: `/projects/:project_id/${string}`;
  readonly hide: boolean;
}

export const ofProject = z.object({ project_id: contract.ProjectName });
export const ofEnvironment = ofProject.extend({ env_name: contract.EnvironmentName });

export const environmentRoutes: FastifyPluginAsyncZod<EnvironmentContext> = async (app, context) => {
  const { platform, operations, base, hide } = context;
  const about = { tags: ['environments'], hide };

  app.post(
    base,
    {
      schema: {
        ...about,
        operationId: 'createEnvironment',
        summary: 'Create an environment',
        params: ofProject,
        body: contract.CreateEnvironment,
        response: { 201: contract.Environment },
      },
    },
    async (request, reply) => {
      const { id: projectId } = await projectOf(context, request.caller, request.params.project_id);
      const { name, type } = request.body;
      const environment = await operations.createEnvironment(platform, request.caller, {
        projectId,
        name,
        ...given({ kind: type }),
      });
      return reply.code(201).send(presentEnvironment(environment));
    },
  );

  app.get(
    base,
    {
      schema: {
        ...about,
        operationId: 'listEnvironments',
        summary: 'List environments',
        params: ofProject,
        querystring: contract.PageQuery,
        response: { 200: contract.pageOf(contract.Environment) },
      },
    },
    async ({ caller, params, query }) => {
      const { id } = await projectOf(context, caller, params.project_id);
      const page = await operations.listEnvironments(platform, caller, id, pageOf(query));
      return presentPage(page, query, presentEnvironment);
    },
  );

  app.get(
    `${base}/:env_name`,
    {
      schema: {
        ...about,
        operationId: 'getEnvironment',
        summary: 'Show an environment',
        params: ofEnvironment,
        response: { 200: contract.Environment },
      },
    },
    async ({ caller, params }) => {
      const { id } = await projectOf(context, caller, params.project_id);
      return presentEnvironment(await operations.getEnvironment(platform, caller, id, params.env_name));
    },
  );

  app.delete(
    `${base}/:env_name`,
    {
      schema: {
        ...about,
        operationId: 'deleteEnvironment',
        summary: 'Stop and remove an environment; its volumes only with volumes=true',
        params: ofEnvironment,
        querystring: z.object({ volumes: contract.Flag }),
        response: { 204: z.undefined() },
      },
    },
    async (request, reply) => {
      const { id: projectId } = await projectOf(context, request.caller, request.params.project_id);
      const { env_name: envName } = request.params;
      const { volumes } = request.query;
      // Once begun it is carried out, whether or not the client still listens.
      await operations.deleteEnvironment(platform, request.caller, { projectId, envName, volumes }, context.closing);
      return reply.code(204).send();
    },
  );

  for (const name of ['status', 'health'] as const) {
    app.get(
      `${base}/:env_name/${name}`,
      {
        schema: {
          ...about,
          hide: hide || name === 'health',
          operationId: 'environmentStatus',
          summary: 'What runs, read back from the runtime',
          params: ofEnvironment,
          response: { 200: contract.EnvironmentStatus },
        },
      },
      async ({ caller, params }) => {
        const { id } = await projectOf(context, caller, params.project_id);
        return presentStatus(context, await operations.environmentStatus(platform, caller, id, params.env_name));
      },
    );
  }

  for (const verb of ['suspend', 'resume'] as const) {
    app.post(
      `${base}/:env_name/${verb}`,
      {
        schema: {
          ...about,
          operationId: `${verb}Environment`,
          summary: verb === 'suspend' ? 'Refuse deploys from now on' : 'Accept deploys again',
          params: ofEnvironment,
          body: z.strictObject({ reason: z.string().max(500).nullish().describe('accepted, not used') }),
          response: { 200: contract.Environment },
        },
      },
      async ({ caller, params }) => {
        const { id: projectId } = await projectOf(context, caller, params.project_id);
        const change = { projectId, name: params.env_name, suspended: verb === 'suspend' };
        return presentEnvironment(await operations.setSuspended(platform, caller, change));
      },
    );
  }

  for (const path of [`${base}/:env_name/logs`, `${base}/:env_name/services/:service/logs`] as const) {
    const named = path.includes(':service');
    app.get(
      path,
      {
        schema: {
          ...about,
          operationId: named ? 'serviceLogs' : 'environmentLogs',
          summary: 'The last lines that the running instances of a service printed',
          params: named ? ofEnvironment.extend({ service: z.string() }) : ofEnvironment,
          querystring: named
            ? contract.EnvironmentLogQuery.extend({ service: z.string().optional() })
            : contract.EnvironmentLogQuery,
          response: { 200: contract.EnvironmentLogs },
        },
      },
      async ({ caller, params, query }) => {
        const { id: projectId } = await projectOf(context, caller, params.project_id);
        const service = 'service' in params ? String(params.service) : (query.service ?? '');
        const asked = { projectId, envName: params.env_name, service, tail: query.tail };
        const logs = await operations.environmentLogs(platform, caller, asked);
        return { logs: logs.flatMap(({ instance, lines }) => lines.map((line) => ({ instance, line }))) };
      },
    );
  }
};
