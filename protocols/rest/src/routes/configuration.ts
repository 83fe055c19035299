import { type ConfigValue, PlatformError } from '@eve/domain';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import * as contract from '../contract/index.ts';
import { given, pageOf, presentPage } from '../paging.ts';
import { presentConfigChange, presentConfigDiff, presentConfigVersion } from '../present/configuration.ts';
import { presentDeploy } from '../present/deploys.ts';
import { type EnvironmentContext, ofEnvironment } from './environments.ts';
import { projectOf } from './project-of.ts';

/** The configuration of an environment, version by version. */
export const configurationRoutes: FastifyPluginAsyncZod<EnvironmentContext> = async (app, context) => {
  const { platform, operations, base, hide } = context;
  const about = { tags: ['configuration'], hide };

  app.get(
    `${base}/:env_name/config`,
    {
      schema: {
        ...about,
        operationId: 'getConfiguration',
        summary: 'The newest configuration, null before the first one; its number is the ETag',
        params: ofEnvironment,
        response: { 200: contract.NewestConfiguration.nullable() },
      },
    },
    async ({ caller, params }, reply) => {
      const { id } = await projectOf(context, caller, params.project_id);
      const version = await operations.getConfiguration(platform, caller, id, params.env_name);
      reply.header('etag', `"${version?.number ?? 0}"`);
      if (!version) return null;
      const running = await operations.runningConfiguration(platform, caller, id, params.env_name);
      return { ...presentConfigVersion(version), running: running?.number ?? null };
    },
  );

  app.patch(
    `${base}/:env_name/config`,
    {
      config: { secretBody: true },
      schema: {
        ...about,
        operationId: 'setConfiguration',
        summary: 'Set, unset and restore values: a new version, deployed unless deploy is false',
        params: ofEnvironment,
        // Loose: whatever else was sent is read by others.
        headers: z.looseObject({ 'if-match': z.string().max(100).optional() }),
        body: contract.SetConfiguration,
        response: { 200: contract.SetConfigurationAnswer },
      },
    },
    async ({ caller, params, body, headers }) => {
      const { id: projectId } = await projectOf(context, caller, params.project_id);
      const { service, set = {}, unset = [], restore, message, deploy } = body;
      const expectedVersion = body.expected_version ?? versionOfTag(headers['if-match']);
      const changed = await operations.setConfiguration(platform, caller, {
        projectId,
        envName: params.env_name,
        set: Object.fromEntries(Object.entries(set).map(([name, value]) => [name, plainOrSecret(value)])),
        unset,
        ...given({ service, restore, message, deploy, expectedVersion }),
      });
      return {
        version: changed.version && presentConfigVersion(changed.version),
        changes: changed.changes.map(presentConfigChange),
        deploy: changed.deploy && presentDeploy(changed.deploy, null),
        warnings: [...changed.warnings],
      };
    },
  );

  app.post(
    `${base}/:env_name/config/apply`,
    {
      schema: {
        ...about,
        operationId: 'applyConfiguration',
        summary:
          'Deploy the release that runs with the newest configuration and values of secrets, where they are others',
        params: ofEnvironment,
        response: { 200: contract.AppliedConfiguration },
      },
    },
    async ({ caller, params }) => {
      const { id } = await projectOf(context, caller, params.project_id);
      const applied = await operations.applyConfiguration(platform, caller, id, params.env_name);
      return {
        deploy: applied.deploy && presentDeploy(applied.deploy, null),
        changes: applied.changes,
        secrets: [...applied.secrets],
        running: applied.running,
      };
    },
  );

  app.get(
    `${base}/:env_name/config/diff`,
    {
      schema: {
        ...about,
        operationId: 'compareConfigurations',
        summary: 'What two versions, or two environments, set differently; by default what the last change changed',
        params: ofEnvironment,
        querystring: contract.ConfigDiffQuery,
        response: { 200: contract.ConfigDiff },
      },
    },
    async ({ caller, params: { project_id, env_name }, query }) => {
      const { id } = await projectOf(context, caller, project_id);
      const { from, to, to_environment: other = env_name } = query;
      const compared = await operations.compareConfigurations(platform, caller, id, {
        from: { envName: env_name, ...given({ number: from }) },
        to: { envName: other, ...given({ number: to }) },
      });
      return presentConfigDiff(compared);
    },
  );

  app.get(
    `${base}/:env_name/config/versions/:number`,
    {
      schema: {
        ...about,
        operationId: 'getConfigVersion',
        summary: 'One version of the configuration',
        params: ofEnvironment.extend({ number: contract.ConfigVersionNumber }),
        response: { 200: contract.ConfigVersion },
      },
    },
    async ({ caller, params: { project_id, env_name, number } }) => {
      const { id } = await projectOf(context, caller, project_id);
      return presentConfigVersion(await operations.getConfigVersion(platform, caller, id, env_name, number));
    },
  );

  app.get(
    `${base}/:env_name/config/history`,
    {
      schema: {
        ...about,
        operationId: 'listConfigurations',
        summary: 'List versions of the configuration, newest first',
        params: ofEnvironment,
        querystring: contract.PageQuery,
        response: { 200: contract.pageOf(contract.ConfigVersion) },
      },
    },
    async ({ caller, params, query }) => {
      const { id } = await projectOf(context, caller, params.project_id);
      const page = await operations.listConfigurations(platform, caller, id, params.env_name, pageOf(query));
      return presentPage(page, query, presentConfigVersion);
    },
  );
};

/** The number in an If-Match; `*` is any. Throws `request_invalid`. */
function versionOfTag(tag: string | undefined): number | undefined {
  if (tag === undefined || tag.trim() === '*') return undefined;
  const digits = /^\s*"([0-9]{1,9})"\s*$/.exec(tag)?.[1];
  if (digits !== undefined) return Number(digits);
  throw new PlatformError('request_invalid', 'If-Match takes the ETag of the configuration, such as "5", or *.');
}

function plainOrSecret(value: string | ConfigValue): ConfigValue {
  return typeof value === 'string' ? { plain: value } : value;
}
