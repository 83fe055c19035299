import { type Deploy, waitsForItsTurn } from '@eve/domain';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import * as contract from '../contract/index.ts';
import { sinceOf } from '../duration.ts';
import type { Context } from '../operations.ts';
import { given, pageOf, presentPage, presentWhole } from '../paging.ts';
import { presentDeploy, presentDeployInstance, presentDetail } from '../present/deploys.ts';
import { ofProject } from './environments.ts';
import { projectOf } from './project-of.ts';
import { logDescription, sendLog } from './send-log.ts';

const params = z.object({ deploy_id: contract.DeployId });
const tags = ['deploys'];

/** Attempts to make a revision serve. */
export const deployRoutes: FastifyPluginAsyncZod<Context> = async (app, context) => {
  const { platform, operations } = context;

  app.get(
    '/projects/:project_id/deploys',
    {
      schema: {
        operationId: 'listProjectDeploys',
        tags,
        summary: 'List deploys of a project, newest first',
        params: ofProject,
        querystring: contract.ListProjectDeploys,
        response: { 200: contract.pageOf(contract.DeployDetail) },
      },
    },
    async ({ caller, params, query }) => {
      const { id } = await projectOf(context, caller, params.project_id);
      const { environment, status, cause, created_by, release, since } = query;
      const filter = given({ envName: environment, status, cause, createdBy: created_by, release });
      const asked = { ...pageOf(query), ...filter, ...(since && { since: sinceOf(since, platform.now()) }) };
      const { items, nextCursor } = await operations.listProjectDeploys(platform, caller, id, asked);
      const presented = await Promise.all(
        items.map(async (each) => presentDetail(context, each, await presentWithPlace(context, each.deploy))),
      );
      return presentPage({ items: presented, nextCursor }, query, (deploy) => deploy);
    },
  );

  app.get(
    '/deploys/:deploy_id',
    {
      schema: {
        operationId: 'getDeploy',
        tags,
        summary: 'Show a deploy',
        params,
        response: { 200: contract.DeployDetail },
      },
    },
    async ({ caller, params: { deploy_id } }) => {
      const described = await operations.describeDeploy(platform, caller, deploy_id);
      return presentDetail(context, described, await presentWithPlace(context, described.deploy));
    },
  );

  app.get(
    '/deploys/:deploy_id/instances',
    {
      schema: {
        operationId: 'deployInstances',
        tags,
        summary: 'What a deploy has started and is still there, read back from the runtime',
        params,
        response: { 200: contract.pageOf(contract.DeployInstance) },
      },
    },
    async ({ caller, params: { deploy_id } }) =>
      presentWhole(await operations.deployInstances(platform, caller, deploy_id), presentDeployInstance),
  );

  const acts = [
    {
      verb: 'cancel',
      operationId: 'cancelDeploy',
      summary: 'Cancel a deploy; what served before goes on serving',
      body: contract.CancelDeploy,
      act: operations.cancelDeploy,
    },
    {
      verb: 'reject',
      operationId: 'rejectDeploy',
      summary: 'End a deploy that waits for an approval',
      body: contract.CancelDeploy,
      act: operations.rejectDeploy,
    },
  ] as const;
  for (const { verb, operationId, summary, body, act } of acts) {
    app.post(
      `/deploys/:deploy_id/${verb}`,
      { schema: { operationId, tags, summary, params, body, response: { 201: contract.Deploy } } },
      async (request, reply) => {
        const reason = request.body.reason ?? undefined;
        const deploy = await act(platform, request.caller, request.params.deploy_id, reason);
        return reply.code(201).send(await presentWithPlace(context, deploy));
      },
    );
  }

  app.post(
    '/deploys/:deploy_id/approve',
    {
      schema: {
        operationId: 'approveDeploy',
        tags,
        summary: 'Let a deploy begin that waits for an approval',
        params,
        body: z.strictObject({}),
        response: { 200: contract.Deploy },
      },
    },
    async ({ caller, params: { deploy_id } }) =>
      presentWithPlace(context, await operations.approveDeploy(platform, caller, deploy_id)),
  );

  app.post(
    '/deploys/:deploy_id/promote',
    {
      schema: {
        operationId: 'promoteDeploy',
        tags,
        summary: 'Give a canary its next step, or all of the traffic',
        params,
        body: contract.PromoteDeploy,
        response: { 200: contract.Deploy },
      },
    },
    async ({ caller, params: { deploy_id }, body }) => {
      const full = body.full ?? false;
      return presentWithPlace(context, await operations.promoteDeploy(platform, caller, deploy_id, { full }));
    },
  );

  app.post(
    '/deploys/:deploy_id/pause',
    {
      schema: {
        operationId: 'pauseDeploy',
        tags,
        summary: 'Keep a canary at the step where it is',
        params,
        body: z.strictObject({}),
        response: { 200: contract.Deploy },
      },
    },
    async ({ caller, params: { deploy_id } }) =>
      presentWithPlace(context, await operations.pauseDeploy(platform, caller, deploy_id)),
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

/** A deploy with its place in the line and the deploy before it, while it waits. */
export async function presentWithPlace({ platform, operations }: Context, deploy: Deploy): Promise<contract.Deploy> {
  if (!waitsForItsTurn(deploy)) return presentDeploy(deploy, null);
  const waiting = await platform.queue.position('execute-deploy', deploy.id);
  return presentDeploy(deploy, waiting, await operations.deployBefore(platform, deploy));
}
