import { PlatformError } from '@eve/domain';
import { authorize } from '@eve/operations';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import * as contract from '../contract/index.ts';
import type { Context } from '../operations.ts';
import { presentEvent } from '../present/projects.ts';
import { iso } from '../present/time.ts';

export interface SystemContext extends Context {
  readonly version: contract.Version;
}

/** Health, version, and the changes of state of a tenant. */
export const systemRoutes: FastifyPluginAsyncZod<SystemContext> = async (app, { platform, version }) => {
  app.get(
    '/health',
    {
      config: { isPublic: true },
      schema: {
        operationId: 'health',
        tags: ['system'],
        summary: 'Whether the server can work',
        security: [],
        response: { 200: contract.Health, 503: contract.Health },
      },
    },
    async (_request, reply) => {
      const isUp = await platform.store.ping().then(
        () => true,
        () => false,
      );
      return reply.code(isUp ? 200 : 503).send({
        status: isUp ? 'ok' : 'degraded',
        database: isUp ? 'ok' : 'unavailable',
        timestamp: iso(platform.now()),
        build: version,
      });
    },
  );

  app.get(
    '/health/version',
    {
      config: { isPublic: true },
      schema: {
        operationId: 'version',
        tags: ['system'],
        summary: 'Which version runs',
        security: [],
        response: { 200: contract.Version },
      },
    },
    async () => version,
  );

  app.get(
    '/events',
    {
      schema: {
        operationId: 'listEvents',
        tags: ['system'],
        summary: 'Changes of state in the organisation after a sequence, oldest first',
        querystring: contract.EventQuery,
        response: { 200: contract.EventPage },
      },
    },
    async ({ caller, query: { after, limit } }) => {
      authorize(caller, 'read');
      if (caller.projectId !== null) {
        throw new PlatformError(
          'caller_forbidden',
          'Events are those of the whole organisation: use a token without a project.',
        );
      }
      const records = await platform.store.transitions.after(caller.tenantId, after, limit);
      return { data: records.map(presentEvent) };
    },
  );
};
