import type { ProjectId } from '@eve/domain';
import type { Caller } from '@eve/operations';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import * as contract from '../contract/index.ts';
import type { Context } from '../operations.ts';
import { pageOf, presentPage } from '../paging.ts';
import { presentMissingSecrets } from '../present/manifests.ts';
import { presentSecret } from '../present/projects.ts';
import { projectOf, requireOwnOrganisation } from './project-of.ts';

/** Secrets of a project and of the organisation: the same routes below two places. */
export const secretRoutes: FastifyPluginAsyncZod<Context> = async (app, context) => {
  const { platform, operations } = context;

  await app.register(routesBelow, {
    ...context,
    base: '/projects',
    suffix: '',
    place: async (caller, owner) => (await projectOf(context, caller, owner)).id,
  });
  await app.register(routesBelow, {
    ...context,
    base: '/orgs',
    suffix: 'OfOrganisation',
    place: async (caller, owner) => {
      await requireOwnOrganisation(context, caller, owner);
      return null;
    },
  });

  app.post(
    '/projects/:project_id/secrets/validate',
    {
      schema: {
        operationId: 'validateSecrets',
        tags: ['secrets'],
        summary: 'Which secrets are missing, of keys or of a manifest',
        params: z.object({ project_id: contract.ProjectName }),
        body: contract.ValidateSecrets,
        response: { 200: contract.SecretValidation },
      },
    },
    async ({ caller, params, body: { keys, manifest_yaml: yaml } }) => {
      const { id } = await projectOf(context, caller, params.project_id);
      if (keys !== undefined) return presentMissingSecrets(await operations.missingSecrets(platform, caller, id, keys));
      const about = { validateSecrets: true, ...(yaml !== undefined && { yaml }) };
      return presentMissingSecrets((await operations.validateManifest(platform, caller, id, about)).missingSecrets);
    },
  );
};

interface Below extends Context {
  readonly base: '/projects' | '/orgs';
  readonly suffix: string;
  /** The project, or null for the caller's organisation. */
  readonly place: (caller: Caller, owner: string) => Promise<ProjectId | null>;
}

const owned = z.object({ owner_id: contract.ProjectName });
const keyed = owned.extend({ key: contract.SecretKey });

const routesBelow: FastifyPluginAsyncZod<Below> = async (app, { platform, operations, base, suffix, place }) => {
  const tags = ['secrets'];

  app.post(
    `${base}/:owner_id/secrets`,
    {
      config: { secretBody: true },
      schema: {
        operationId: `setSecret${suffix}`,
        tags,
        summary: 'Set a secret; its value is never shown again',
        params: owned,
        body: contract.SetSecret,
        response: { 201: contract.Secret },
      },
    },
    async (request, reply) => {
      const { key, value } = request.body;
      const projectId = await place(request.caller, request.params.owner_id);
      const secret = await operations.setSecret(platform, request.caller, { projectId, key, value });
      return reply.code(201).send(presentSecret(secret));
    },
  );

  app.get(
    `${base}/:owner_id/secrets`,
    {
      schema: {
        operationId: `listSecrets${suffix}`,
        tags,
        summary: 'List secrets, without values',
        params: owned,
        querystring: contract.PageQuery,
        response: { 200: contract.pageOf(contract.Secret) },
      },
    },
    async ({ caller, params, query }) => {
      const projectId = await place(caller, params.owner_id);
      return presentPage(
        await operations.listSecrets(platform, caller, projectId, pageOf(query)),
        query,
        presentSecret,
      );
    },
  );

  app.get(
    `${base}/:owner_id/secrets/:key`,
    {
      schema: {
        operationId: `showSecret${suffix}`,
        tags,
        summary: 'Show a secret with a masked value',
        params: keyed,
        response: { 200: contract.ShownSecret },
      },
    },
    async ({ caller, params: { owner_id, key } }) => {
      const projectId = await place(caller, owner_id);
      const { secret, masked } = await operations.showSecret(platform, caller, { projectId, key });
      return { ...presentSecret(secret), masked_value: masked };
    },
  );

  app.patch(
    `${base}/:owner_id/secrets/:key`,
    {
      config: { secretBody: true },
      schema: {
        operationId: `changeSecret${suffix}`,
        tags,
        summary: 'Give a secret that exists another value',
        params: keyed,
        body: contract.ChangeSecret,
        response: { 200: contract.Secret },
      },
    },
    async ({ caller, params: { owner_id, key }, body: { value } }) => {
      const projectId = await place(caller, owner_id);
      await operations.showSecret(platform, caller, { projectId, key });
      return presentSecret(await operations.setSecret(platform, caller, { projectId, key, value }));
    },
  );

  app.delete(
    `${base}/:owner_id/secrets/:key`,
    {
      schema: {
        operationId: `deleteSecret${suffix}`,
        tags,
        summary: 'Remove a secret',
        params: keyed,
        response: { 204: z.undefined() },
      },
    },
    async (request, reply) => {
      const { owner_id, key } = request.params;
      const projectId = await place(request.caller, owner_id);
      await operations.deleteSecret(platform, request.caller, { projectId, key });
      return reply.code(204).send();
    },
  );
};
