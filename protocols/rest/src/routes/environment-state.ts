import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import * as contract from '../contract/index.ts';
import type { Context } from '../operations.ts';
import { pageOf } from '../paging.ts';
import { presentDeploy } from '../present/deploys.ts';
import {
  presentBoard,
  presentDiagnosis,
  presentDriftView,
  presentHealth,
  presentRecovery,
  presentStatus,
} from '../present/environment-state.ts';
import { type EnvironmentContext, ofEnvironment, ofProject } from './environments.ts';
import { projectOf } from './project-of.ts';

/** What runs, how it differs from what should, and what to do about it. */
export const environmentStateRoutes: FastifyPluginAsyncZod<EnvironmentContext> = async (app, context) => {
  const { platform, operations, base, hide } = context;
  const about = { tags: ['environments'], hide };

  app.get(
    `${base}/:env_name/status`,
    {
      schema: {
        ...about,
        operationId: 'environmentStatus',
        summary: 'What runs, read back from the runtime and asked whether it is healthy',
        params: ofEnvironment,
        response: { 200: contract.EnvironmentStatus },
      },
    },
    async ({ caller, params }) => {
      const { id } = await projectOf(context, caller, params.project_id);
      return presentStatus(context, await operations.environmentStatus(platform, caller, id, params.env_name));
    },
  );

  app.get(
    `${base}/:env_name/health`,
    {
      schema: {
        ...about,
        operationId: 'environmentHealth',
        summary: 'Whether it is well, in short',
        params: ofEnvironment,
        response: { 200: contract.EnvironmentHealth },
      },
    },
    async ({ caller, params }) => {
      const { id } = await projectOf(context, caller, params.project_id);
      const status = await operations.environmentStatus(platform, caller, id, params.env_name, { probe: false });
      return presentHealth(context, status);
    },
  );

  app.get(
    `${base}/:env_name/diagnose`,
    {
      schema: {
        ...about,
        operationId: 'diagnoseEnvironment',
        summary: 'Why it is not well: findings, last lines of what is not, what happened, the command that comes next',
        params: ofEnvironment,
        response: { 200: contract.EnvironmentDiagnosis },
      },
    },
    async ({ caller, params }) => {
      const { id: projectId } = await projectOf(context, caller, params.project_id);
      const which = { projectId, name: params.env_name };
      return presentDiagnosis(context, await operations.diagnoseEnvironment(platform, caller, which));
    },
  );

  app.get(
    `${base}/:env_name/recover`,
    {
      schema: {
        ...about,
        operationId: 'recoverEnvironment',
        summary: 'The way back to a state that is well; changes nothing',
        params: ofEnvironment,
        response: { 200: contract.EnvironmentRecovery },
      },
    },
    async ({ caller, params }) => {
      const { id: projectId } = await projectOf(context, caller, params.project_id);
      const which = { projectId, name: params.env_name };
      return presentRecovery(context, await operations.diagnoseEnvironment(platform, caller, which));
    },
  );

  app.get(
    `${base}/:env_name/drift`,
    {
      schema: {
        ...about,
        operationId: 'environmentDrift',
        summary: 'How what runs differs from what was deployed, now and before',
        params: ofEnvironment,
        querystring: contract.PageQuery,
        response: { 200: contract.EnvironmentDrift },
      },
    },
    async ({ caller, params, query }) => {
      const { id: projectId } = await projectOf(context, caller, params.project_id);
      const asked = { projectId, name: params.env_name, page: pageOf(query) };
      return presentDriftView(params.env_name, await operations.listDrift(platform, caller, asked), query);
    },
  );

  app.post(
    `${base}/:env_name/repair`,
    {
      schema: {
        ...about,
        operationId: 'repairEnvironment',
        summary: 'Deploy the current revision again: what is lost or changed is started anew, what is well is kept',
        params: ofEnvironment,
        body: z.strictObject({}),
        response: { 201: contract.Deploy },
      },
    },
    async ({ caller, params }, reply) => {
      const { id: projectId } = await projectOf(context, caller, params.project_id);
      const deploy = await operations.repairEnvironment(platform, caller, { projectId, name: params.env_name });
      return reply.code(201).send(presentDeploy(deploy, null));
    },
  );
};

/** What runs where, over environments. */
export const boardRoutes: FastifyPluginAsyncZod<Context> = async (app, context) => {
  const { platform, operations } = context;
  const about = { tags: ['environments'], querystring: contract.PageQuery, response: { 200: contract.Board } };

  app.get(
    '/projects/:project_id/board',
    {
      schema: {
        ...about,
        operationId: 'projectBoard',
        summary: 'What runs where in a project, since when, by whom, and how it is',
        params: ofProject,
      },
    },
    async ({ caller, params, query }) => {
      const { id: projectId } = await projectOf(context, caller, params.project_id);
      const board = await operations.readBoard(platform, caller, { projectId, page: pageOf(query) });
      return presentBoard(context, board, query);
    },
  );

  app.get(
    '/board',
    {
      schema: {
        ...about,
        operationId: 'board',
        summary: 'What runs where, over all projects that the token may see',
      },
    },
    async ({ caller, query }) => {
      return presentBoard(context, await operations.readBoard(platform, caller, { page: pageOf(query) }), query);
    },
  );
};
