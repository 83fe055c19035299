import type { Secret } from '@eve/domain';
import type { Caller, SecretPlace } from '@eve/operations';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import * as contract from '../contract/index.ts';
import type { Context } from '../operations.ts';
import { given, pageOf, presentPage } from '../paging.ts';
import {
  presentKeyRotation,
  presentMissingSecrets,
  presentSecret,
  presentSecretWithUses,
  presentUsableSecret,
} from '../present/secrets.ts';
import { projectOf, requireOwnOrganisation } from './project-of.ts';

/** Secrets of a project, of the organisation and of the installation: the same routes below three places. */
export const secretRoutes: FastifyPluginAsyncZod<Context> = async (app, context) => {
  const { platform, operations } = context;

  await app.register(routesBelow, {
    ...context,
    base: '/projects/:owner_id',
    suffix: '',
    owned,
    place: async (caller, owner) => ({ projectId: (await projectOf(context, caller, owner)).id }),
  });
  await app.register(routesBelow, {
    ...context,
    base: '/orgs/:owner_id',
    suffix: 'OfOrganisation',
    owned,
    place: async (caller, owner) => {
      await requireOwnOrganisation(context, caller, owner);
      return { projectId: null };
    },
  });
  await app.register(routesBelow, {
    ...context,
    base: '/system',
    suffix: 'OfSystem',
    owned: ownerless,
    place: async () => ({ projectId: null, system: true }),
  });

  app.post(
    '/system/master-key/rotate',
    {
      schema: {
        operationId: 'rotateMasterKey',
        tags: ['secrets'],
        summary: 'Seal every secret anew with a new master key (operator): called again until it is done',
        response: { 200: contract.KeyRotation },
      },
    },
    async ({ caller }) => presentKeyRotation(await operations.rotateMasterKey(platform, caller)),
  );

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
      const about = { validateSecrets: true, ...(yaml !== undefined && { yaml }) };
      const missing =
        keys === undefined
          ? (await operations.validateManifest(platform, caller, id, about)).missingSecrets
          : await operations.missingSecrets(platform, caller, id, keys);
      return presentMissingSecrets(await operations.suggestSecrets(platform, caller, id, missing));
    },
  );
};

interface Below extends Context {
  readonly base: '/projects/:owner_id' | '/orgs/:owner_id' | '/system';
  readonly suffix: string;
  readonly owned: typeof owned | typeof ownerless;
  readonly place: (caller: Caller, owner: string) => Promise<SecretPlace>;
}

const owned = z.object({ owner_id: contract.ProjectName });
const ownerless = z.object({});

const routesBelow: FastifyPluginAsyncZod<Below> = async (app, context) => {
  const { platform, operations, base, suffix, place } = context;
  const tags = ['secrets'];
  const keyed = context.owned.extend({ key: contract.SecretKey });
  const placeOf = (caller: Caller, { owner_id = '' }: { owner_id?: string; key?: string }) => place(caller, owner_id);
  const withUses = async (caller: Caller, secret: Secret) =>
    presentSecretWithUses(secret, await operations.secretUses(platform, caller, secret));

  app.post(
    `${base}/secrets`,
    {
      config: { secretBody: true },
      schema: {
        operationId: `setSecret${suffix}`,
        tags,
        summary: 'Set a secret; its value is never shown again, and counts from the next deploy on',
        params: context.owned,
        body: contract.SetSecret,
        response: { 201: contract.SecretWithUses },
      },
    },
    async ({ caller, params, body: { key, value } }, reply) => {
      const secret = await operations.setSecret(platform, caller, { ...(await placeOf(caller, params)), key, value });
      return reply.code(201).send(await withUses(caller, secret));
    },
  );

  app.get(
    `${base}/secrets`,
    {
      schema: {
        operationId: `listSecrets${suffix}`,
        tags,
        summary: 'List secrets, without values',
        params: context.owned,
        querystring: contract.PageQuery.extend(contract.InheritedQuery.shape),
        response: { 200: contract.pageOf(contract.Secret) },
      },
    },
    async ({ caller, params, query }) => {
      const at = await placeOf(caller, params);
      if (query.inherited && at.projectId !== null) {
        const usable = await operations.listUsableSecrets(platform, caller, at.projectId, pageOf(query));
        return presentPage(usable, query, presentUsableSecret);
      }
      return presentPage(await operations.listSecrets(platform, caller, at, pageOf(query)), query, presentSecret);
    },
  );

  app.get(
    `${base}/secrets/:key`,
    {
      schema: {
        operationId: `showSecret${suffix}`,
        tags,
        summary: 'Show a secret with a masked value, and where it is in use',
        params: keyed,
        querystring: contract.InheritedQuery,
        response: { 200: contract.ShownSecret },
      },
    },
    async ({ caller, params, query }) => {
      const about = { ...(await placeOf(caller, params)), key: params.key, ...given(query) };
      const { secret, masked } = await operations.showSecret(platform, caller, about);
      return { ...(await withUses(caller, secret)), masked_value: masked };
    },
  );

  app.patch(
    `${base}/secrets/:key`,
    {
      config: { secretBody: true },
      schema: {
        operationId: `changeSecret${suffix}`,
        tags,
        summary: 'Give a secret that exists another value',
        params: keyed,
        body: contract.ChangeSecret,
        response: { 200: contract.SecretWithUses },
      },
    },
    async ({ caller, params, body: { value } }) => {
      const about = { ...(await placeOf(caller, params)), key: params.key };
      await operations.showSecret(platform, caller, about);
      return withUses(caller, await operations.setSecret(platform, caller, { ...about, value }));
    },
  );

  app.delete(
    `${base}/secrets/:key`,
    {
      schema: {
        operationId: `deleteSecret${suffix}`,
        tags,
        summary: 'Remove a secret',
        params: keyed,
        response: { 204: z.undefined() },
      },
    },
    async ({ caller, params }, reply) => {
      await operations.deleteSecret(platform, caller, { ...(await placeOf(caller, params)), key: params.key });
      return reply.code(204).send();
    },
  );
};
