import type { ConfigValue } from '@eve/domain';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import * as contract from '../contract/index.ts';
import { given, pageOf, presentPage } from '../paging.ts';
import { presentConfigVersion, presentDeploy } from '../present/environments.ts';
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
        summary: 'The newest configuration, null before the first one',
        params: ofEnvironment,
        response: { 200: contract.ConfigVersion.nullable() },
      },
    },
    async ({ caller, params }) => {
      const { id } = await projectOf(context, caller, params.project_id);
      const version = await operations.getConfiguration(platform, caller, id, params.env_name);
      return version && presentConfigVersion(version);
    },
  );

  app.patch(
    `${base}/:env_name/config`,
    {
      config: { secretBody: true },
      schema: {
        ...about,
        operationId: 'setConfiguration',
        summary: 'Set and unset values: a new version, deployed unless deploy is false',
        params: ofEnvironment,
        body: contract.SetConfiguration,
        response: { 200: contract.SetConfigurationAnswer },
      },
    },
    async ({ caller, params, body }) => {
      const { id: projectId } = await projectOf(context, caller, params.project_id);
      const { service, set = {}, unset = [], message, deploy } = body;
      const changed = await operations.setConfiguration(platform, caller, {
        projectId,
        envName: params.env_name,
        set: Object.fromEntries(Object.entries(set).map(([name, value]) => [name, plainOrSecret(value)])),
        unset,
        ...given({ service, message, deploy }),
      });
      return {
        version: presentConfigVersion(changed.version),
        deploy: changed.deploy && presentDeploy(changed.deploy, null),
      };
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

function plainOrSecret(value: string | ConfigValue): ConfigValue {
  return typeof value === 'string' ? { plain: value } : value;
}
