import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import * as contract from '../contract/index.ts';
import type { Context } from '../operations.ts';
import { given, pageOf, presentPage } from '../paging.ts';
import { presentCaller, presentOrganisation, presentToken } from '../present/projects.ts';
import { projectOf } from './project-of.ts';

/** Organisations, tokens, and who the caller is. */
export const organisationRoutes: FastifyPluginAsyncZod<Context> = async (app, context) => {
  const { platform, operations } = context;

  app.get(
    '/auth/me',
    {
      schema: {
        operationId: 'me',
        tags: ['auth'],
        summary: 'Who the token belongs to',
        response: { 200: contract.Me },
      },
    },
    async (request) => presentCaller(request.caller),
  );

  app.post(
    '/orgs',
    {
      schema: {
        operationId: 'createOrganisation',
        tags: ['organisations'],
        summary: 'Create an organisation (operator)',
        body: contract.CreateOrganisation,
        response: { 201: contract.Organisation },
      },
    },
    async (request, reply) => {
      const organisation = await operations.createOrganisation(platform, request.caller, request.body);
      return reply.code(201).send(presentOrganisation(organisation));
    },
  );

  app.get(
    '/orgs',
    {
      schema: {
        operationId: 'listOrganisations',
        tags: ['organisations'],
        summary: 'List organisations',
        querystring: contract.PageQuery,
        response: { 200: contract.pageOf(contract.Organisation) },
      },
    },
    async ({ caller, query }) =>
      presentPage(await operations.listOrganisations(platform, caller, pageOf(query)), query, presentOrganisation),
  );

  app.post(
    '/tokens',
    {
      config: { keptAnswer: (body) => JSON.stringify({ ...JSON.parse(body), token: null }) },
      schema: {
        operationId: 'createToken',
        tags: ['auth'],
        summary: 'Make a token; its text is shown once',
        body: contract.CreateToken,
        response: { 201: contract.CreatedToken },
      },
    },
    async (request, reply) => {
      const { name, scopes, project_id: project, expires_in_days: expiresInDays } = request.body;
      const projectId = project ? (await projectOf(context, request.caller, project)).id : null;
      const made = await operations.createToken(platform, request.caller, {
        name,
        scopes,
        ...given({ projectId, expiresInDays }),
      });
      return reply.code(201).send({ ...presentToken(made.token), token: made.text });
    },
  );

  app.get(
    '/tokens',
    {
      schema: {
        operationId: 'listTokens',
        tags: ['auth'],
        summary: 'List tokens, without their texts',
        querystring: contract.PageQuery,
        response: { 200: contract.pageOf(contract.Token) },
      },
    },
    async ({ caller, query }) =>
      presentPage(await operations.listTokens(platform, caller, pageOf(query)), query, presentToken),
  );

  app.delete(
    '/tokens/:token_id',
    {
      schema: {
        operationId: 'revokeToken',
        tags: ['auth'],
        summary: 'Revoke a token',
        params: z.object({ token_id: contract.TokenId }),
        response: { 204: z.undefined() },
      },
    },
    async (request, reply) => {
      await operations.revokeToken(platform, request.caller, request.params.token_id);
      return reply.code(204).send();
    },
  );
};
