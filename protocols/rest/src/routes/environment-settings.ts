import type { EnvironmentSettings } from '@eve/domain';
import { strategyFrom } from '@eve/operations';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import * as contract from '../contract/index.ts';
import { durationMs } from '../duration.ts';
import { ifMatch } from '../if-match.ts';
import { given } from '../paging.ts';
import { presentEnvironment } from '../present/environments.ts';
import { type EnvironmentContext, ofEnvironment } from './environments.ts';
import { projectOf } from './project-of.ts';

/** Editing what is set on an environment. */
export const updateEnvironmentRoutes: FastifyPluginAsyncZod<EnvironmentContext> = async (app, context) => {
  const { platform, operations, base, hide } = context;

  for (const method of ['PATCH', 'PUT'] as const) {
    app.route({
      method,
      url: `${base}/:env_name`,
      schema: {
        tags: ['environments'],
        hide: hide || method === 'PUT',
        operationId: 'updateEnvironment',
        summary: 'Change type and settings; with If-Match (or expected_version) 409 where somebody else was faster',
        params: ofEnvironment,
        body: contract.UpdateEnvironment,
        response: { 200: contract.Environment },
      },
      handler: async ({ caller, params, body, headers }, reply) => {
        const { id: projectId } = await projectOf(context, caller, params.project_id);
        const { type, settings, expected_version } = body;
        const environment = await operations.updateEnvironment(platform, caller, {
          projectId,
          name: params.env_name,
          ...given({ kind: type, expected: expected_version ?? ifMatch(headers) }),
          ...(settings && { settings: settingsOf(settings) }),
        });
        const presented = presentEnvironment(environment);
        reply.header('etag', `"${presented.version}"`);
        return presented;
      },
    });
  }
};

type Given = NonNullable<z.output<typeof contract.UpdateEnvironment>['settings']>;

/** Null is a value here: the setting is taken back. */
function settingsOf(settings: Given): Partial<EnvironmentSettings> {
  const { strategy, approval, auto_deploy: autoDeploy, auto_rollback: autoRollback, drift, stabilise } = settings;
  return {
    ...(strategy !== undefined && { strategy: strategy === null ? null : strategyFrom(strategy) }),
    ...(approval !== undefined && { approval: approval === null ? null : approval === 'required' }),
    ...(autoDeploy !== undefined && { autoDeploy }),
    ...(settings.protected !== undefined && { protected: settings.protected }),
    ...(drift !== undefined && { drift }),
    ...(autoRollback !== undefined && { autoRollback }),
    ...(stabilise !== undefined && { stabiliseMs: stabilise === null ? null : durationMs(stabilise) }),
  };
}
