import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import * as contract from '../contract/index.ts';
import type { Context } from '../operations.ts';
import { given, pageOf, presentPage } from '../paging.ts';
import { presentEnvironment, presentLock, presentRules } from '../present/environments.ts';
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
        summary: 'Show an environment with its settings, and what counts for its next deploy; its version is the ETag',
        params: ofEnvironment,
        response: { 200: contract.EnvironmentDetail },
      },
    },
    async ({ caller, params }, reply) => {
      const { id } = await projectOf(context, caller, params.project_id);
      const environment = await operations.getEnvironment(platform, caller, id, params.env_name);
      const presented = presentEnvironment(environment);
      reply.header('etag', `"${presented.version}"`);
      return { ...presented, rules: presentRules(await operations.rulesOfEnvironment(platform, environment)) };
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

  for (const verb of ['suspend', 'resume'] as const) {
    app.post(
      `${base}/:env_name/${verb}`,
      {
        schema: {
          ...about,
          operationId: `${verb}Environment`,
          summary: verb === 'suspend' ? 'Refuse deploys from now on' : 'Accept deploys again',
          params: ofEnvironment,
          body: z.strictObject({ reason: contract.OneLine.nullish().describe('why it is suspended, for others') }),
          response: { 200: contract.Environment },
        },
      },
      async ({ caller, params, body }) => {
        const { id: projectId } = await projectOf(context, caller, params.project_id);
        const { reason } = body;
        const change = { projectId, name: params.env_name, suspended: verb === 'suspend', ...given({ reason }) };
        return presentEnvironment(await operations.setSuspended(platform, caller, change));
      },
    );
  }

  app.post(
    `${base}/:env_name/lock`,
    {
      schema: {
        ...about,
        operationId: 'lockEnvironment',
        summary:
          'Let nothing be deployed until it is unlocked; 409 naming the holder where somebody else has locked it',
        params: ofEnvironment,
        body: contract.LockEnvironment,
        response: { 200: contract.Environment },
      },
    },
    async ({ caller, params, body }) => {
      const { id: projectId } = await projectOf(context, caller, params.project_id);
      const { reason } = body;
      const locked = { projectId, name: params.env_name, reason };
      return presentEnvironment(await operations.lockEnvironment(platform, caller, locked));
    },
  );

  app.post(
    `${base}/:env_name/unlock`,
    {
      schema: {
        ...about,
        operationId: 'unlockEnvironment',
        summary: 'Take a lock away, whoever holds it; the answer says whose it was',
        params: ofEnvironment,
        body: z.strictObject({}),
        response: { 200: contract.UnlockedEnvironment },
      },
    },
    async ({ caller, params }) => {
      const { id: projectId } = await projectOf(context, caller, params.project_id);
      const which = { projectId, name: params.env_name };
      const { environment, released } = await operations.unlockEnvironment(platform, caller, which);
      return { environment: presentEnvironment(environment), released: presentLock(released) };
    },
  );
};
