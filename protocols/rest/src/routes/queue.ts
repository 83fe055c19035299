import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import * as contract from '../contract/index.ts';
import type { Context } from '../operations.ts';
import { given } from '../paging.ts';
import { presentQueue } from '../present/queue.ts';

/** What waits to be carried out, why, and at which place. */
export const queueRoutes: FastifyPluginAsyncZod<Context> = async (app, { platform, operations }) => {
  app.get(
    '/queue',
    {
      schema: {
        operationId: 'listQueue',
        tags: ['queue'],
        summary: 'What runs and what waits, with its reason and its place in the line',
        querystring: contract.QueueQuery,
        response: { 200: contract.Queue },
      },
    },
    async ({ caller, query: { class: only, all, limit, cursor } }) => {
      const classes = only === undefined ? (['build', 'deploy'] as const) : [only];
      const page = await operations.listQueue(platform, caller, { classes, all, limit, ...given({ cursor }) });
      return presentQueue(page, limit);
    },
  );
};
