import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import * as contract from '../contract/index.ts';
import type { Context } from '../operations.ts';
import { given } from '../paging.ts';
import { presentGarbageReport, presentRetentionPolicy } from '../present/garbage.ts';

const tags = ['retention'];

/** What is kept of an installation, and what goes. */
export const garbageRoutes: FastifyPluginAsyncZod<Context> = async (app, { platform, operations, closing }) => {
  app.get(
    '/gc',
    {
      schema: {
        operationId: 'getRetention',
        tags,
        summary: 'What is kept without anybody naming it; for the operator',
        response: { 200: contract.Retention },
      },
    },
    async ({ caller }) => {
      const { policy, running } = await operations.readRetention(platform, caller);
      return { policy: presentRetentionPolicy(policy), running };
    },
  );

  app.post(
    '/gc',
    {
      schema: {
        operationId: 'collectGarbage',
        tags,
        summary: 'Remove what nothing needs, or say what would go and by which rule; for the operator',
        body: contract.CollectGarbage,
        response: { 200: contract.GarbageReport },
      },
    },
    async ({ caller, body: { dry_run: dryRun, wait_seconds: waitSeconds } }) => {
      const waitMs = waitSeconds === undefined ? undefined : waitSeconds * 1000;
      return presentGarbageReport(
        await operations.collectGarbage(platform, caller, given({ dryRun, waitMs }), closing),
      );
    },
  );
};
