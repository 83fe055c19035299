import type { Deploy } from '@eve/domain';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import * as contract from '../contract/index.ts';
import type { Context } from '../operations.ts';
import { presentDeploy } from '../present/environments.ts';
import { logDescription, sendLog } from './send-log.ts';

const params = z.object({ deploy_id: contract.DeployId });
const tags = ['deploys'];

/** Attempts to make a revision serve. */
export const deployRoutes: FastifyPluginAsyncZod<Context> = async (app, context) => {
  const { platform, operations } = context;

  app.get(
    '/deploys/:deploy_id',
    {
      schema: { operationId: 'getDeploy', tags, summary: 'Show a deploy', params, response: { 200: contract.Deploy } },
    },
    async ({ caller, params: { deploy_id } }) =>
      presentWithPlace(context, await operations.getDeploy(platform, caller, deploy_id)),
  );

  app.post(
    '/deploys/:deploy_id/cancel',
    {
      schema: {
        operationId: 'cancelDeploy',
        tags,
        summary: 'Cancel a deploy; what served before goes on serving',
        params,
        body: z.strictObject({ reason: z.string().max(500).nullish().describe('accepted, not used') }),
        response: { 201: contract.Deploy },
      },
    },
    async (request, reply) => {
      const deploy = await operations.cancelDeploy(platform, request.caller, request.params.deploy_id);
      return reply.code(201).send(await presentWithPlace(context, deploy));
    },
  );

  app.get(
    '/deploys/:deploy_id/logs',
    {
      schema: {
        operationId: 'deployLogs',
        tags,
        summary: 'What a deploy did, line by line',
        description: logDescription,
        params,
        querystring: contract.LogQuery,
        response: { 200: contract.LogPage },
      },
    },
    async (request, reply) => {
      const log = await operations.openLog(platform, request.caller, { deployId: request.params.deploy_id });
      return sendLog(context, request, reply, request.query, log);
    },
  );
};

/** A deploy with its place in the line, while it is in one. */
export async function presentWithPlace({ platform }: Context, deploy: Deploy): Promise<contract.Deploy> {
  const waiting = deploy.status === 'pending' ? await platform.queue.position('execute-deploy', deploy.id) : null;
  return presentDeploy(deploy, waiting);
}
