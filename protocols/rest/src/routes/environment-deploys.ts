import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import * as contract from '../contract/index.ts';
import type { DeployAnswer } from '../operations.ts';
import { given, pageOf, presentPage } from '../paging.ts';
import { presentDeployPlan, presentPlanned, presentServicePlan } from '../present/deploys.ts';
import { presentEnvironment, presentRelease, presentRevision } from '../present/environments.ts';
import { presentRunDetail } from '../present/pipelines.ts';
import { presentWithPlace } from './deploys.ts';
import { type EnvironmentContext, ofEnvironment } from './environments.ts';
import { projectOf } from './project-of.ts';

/** Bringing releases to an environment, and back. */
export const environmentDeployRoutes: FastifyPluginAsyncZod<EnvironmentContext> = async (app, context) => {
  const { platform, operations, base, hide } = context;
  const about = { tags: ['environments'], hide };

  app.post(
    `${base}/:env_name/deploy`,
    {
      schema: {
        ...about,
        operationId: 'requestDeploy',
        summary: 'Deploy a commit or a release',
        params: ofEnvironment,
        body: contract.RequestDeploy,
        response: { 200: z.union([contract.DeployAnswer, contract.DeployPlan]) },
      },
    },
    async ({ caller, params, body }) => {
      const { id: projectId } = await projectOf(context, caller, params.project_id);
      const request = {
        projectId,
        envName: params.env_name,
        ...given({
          gitSha: body.git_sha,
          manifestHash: body.manifest_hash,
          releaseTag: body.release_tag,
          imageDigests: body.image_digests,
          imageTag: body.image_tag,
          direct: body.direct,
          inputs: body.inputs,
          strategy: body.strategy,
        }),
      };
      if (body.dry_run) return presentDeployPlan(context, await operations.planDeploy(platform, caller, request));
      return presentAnswer(context, await operations.requestDeploy(platform, caller, request));
    },
  );

  app.post(
    `${base}/:env_name/rollback`,
    {
      schema: {
        ...about,
        operationId: 'rollbackEnvironment',
        summary: 'Make an earlier revision serve again, with the configuration it had',
        params: ofEnvironment,
        body: contract.RequestRollback,
        response: { 200: contract.RollbackAnswer },
      },
    },
    async ({ caller, params, body }) => {
      const { id: projectId } = await projectOf(context, caller, params.project_id);
      const to = body.previous ? 'previous' : (body.to ?? body.release);
      const part = body.code_only ? ('code' as const) : body.config_only ? ('configuration' as const) : undefined;
      const { environment, deploy, revision, target, release, targetStatus, plan } =
        await operations.rollbackEnvironment(platform, caller, {
          projectId,
          envName: params.env_name,
          ...given({
            to: to === null || to === undefined ? to : String(to),
            part,
            strategy: body.strategy,
            dryRun: body.dry_run,
          }),
        });
      return {
        environment: presentEnvironment(environment),
        deploy: deploy && (await presentWithPlace(context, deploy)),
        revision: revision && presentRevision(revision),
        target: presentRevision(target),
        release: presentRelease(context, release),
        target_status: targetStatus,
        plan: plan.services.map(presentServicePlan),
        ...presentPlanned(plan),
      };
    },
  );

  app.get(
    `${base}/:env_name/history`,
    {
      schema: {
        ...about,
        operationId: 'listRevisions',
        summary: 'Every revision that was made for an environment, newest first',
        params: ofEnvironment,
        querystring: contract.PageQuery,
        response: { 200: contract.pageOf(contract.RevisionEntry) },
      },
    },
    async ({ caller, params, query }) => {
      const { id } = await projectOf(context, caller, params.project_id);
      const page = await operations.listRevisions(platform, caller, id, params.env_name, pageOf(query));
      return presentPage(page, query, ({ revision, release, config, deploy, deployStatus, current, restorable }) => ({
        revision: presentRevision(revision),
        release: presentRelease(context, release),
        config_number: config.number,
        current,
        cause: deploy?.cause ?? null,
        deploy_id: deploy?.id ?? null,
        deploy_status: deployStatus,
        restorable: restorable.code === 'restorable' || restorable.code === 'current',
        restorable_code: restorable.code,
        not_restorable: restorable.reason,
      }));
    },
  );

  app.get(
    `${base}/:env_name/deploys`,
    {
      schema: {
        ...about,
        operationId: 'listDeploys',
        summary: 'List deploys of an environment, newest first',
        params: ofEnvironment,
        querystring: contract.ListDeploys,
        response: { 200: contract.pageOf(contract.Deploy) },
      },
    },
    async ({ caller, params, query }) => {
      const { id } = await projectOf(context, caller, params.project_id);
      const filter = { ...pageOf(query), ...given({ status: query.status }) };
      const { items, nextCursor } = await operations.listDeploys(platform, caller, id, params.env_name, filter);
      const presented = await Promise.all(items.map((deploy) => presentWithPlace(context, deploy)));
      return presentPage({ items: presented, nextCursor }, query, (deploy) => deploy);
    },
  );
};

async function presentAnswer(context: EnvironmentContext, answer: DeployAnswer): Promise<contract.DeployAnswer> {
  const environment = presentEnvironment(answer.environment);
  if ('pipelineRun' in answer) {
    const { pipelineRun: run, steps } = answer;
    return { environment, pipeline_run: presentRunDetail({ run, steps }), poll_url: `/pipeline-runs/${run.id}` };
  }
  const { deploy, revision, release } = answer;
  return {
    environment,
    release: presentRelease(context, release),
    revision: presentRevision(revision),
    deploy: await presentWithPlace(context, deploy),
    warnings: [...deploy.warnings],
    deployment_status: { env_id: environment.id, current_release_id: release.id, state: 'pending' },
    poll_url: `/deploys/${deploy.id}`,
  };
}
