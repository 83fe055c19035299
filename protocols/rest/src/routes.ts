import { PlatformError } from '@eve/domain';
import * as realOperations from '@eve/operations';
import swagger from '@fastify/swagger';
import type { FastifyPluginAsync } from 'fastify';
import { addAuthentication } from './authentication.ts';
import { addBodyParsers } from './body-parsers.ts';
import { addIdempotency } from './idempotency.ts';
import { logEnds } from './log-ends.ts';
import { openApiOptions } from './openapi.ts';
import type { Operations } from './operations.ts';
import { sendProblem } from './problem.ts';
import { buildRunRoutes } from './routes/build-runs.ts';
import { buildRoutes } from './routes/builds.ts';
import { configurationRoutes } from './routes/configuration.ts';
import { deployRoutes } from './routes/deploys.ts';
import { docsRoutes } from './routes/docs.ts';
import { environmentDeployRoutes } from './routes/environment-deploys.ts';
import { environmentLogRoutes } from './routes/environment-logs.ts';
import { updateEnvironmentRoutes } from './routes/environment-settings.ts';
import { boardRoutes, environmentStateRoutes } from './routes/environment-state.ts';
import { environmentRoutes } from './routes/environments.ts';
import { garbageRoutes } from './routes/garbage.ts';
import { manifestRoutes } from './routes/manifests.ts';
import { organisationRoutes } from './routes/organisations.ts';
import { pipelineRoutes } from './routes/pipelines.ts';
import { projectRoutes } from './routes/projects.ts';
import { queueRoutes } from './routes/queue.ts';
import { releaseChangeRoutes, releaseRoutes } from './routes/releases.ts';
import { secretRoutes } from './routes/secrets.ts';
import { sourceRoutes } from './routes/sources.ts';
import { systemRoutes } from './routes/system.ts';
import { validateByContract } from './validation.ts';

export interface RestOptions {
  readonly platform: realOperations.Platform;
  readonly version: string;
  /** The real ones, unless a test gives others. */
  readonly operations?: Operations;
}

/** The REST API as a fastify plugin: every route of the contract, its description, and one form of errors. */
export const restRoutes: FastifyPluginAsync<RestOptions> = async (
  app,
  { platform, version, operations = realOperations },
) => {
  const stopping = new AbortController();
  const context = { platform, operations, closing: stopping.signal, logEnds: logEnds() };
  app.addHook('preClose', async () => stopping.abort());

  app.setValidatorCompiler(validateByContract);
  // What is sent was put together field by field in present/; the contract describes it, tests check it.
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer));
  app.setErrorHandler((error, request, reply) => sendProblem(platform.log, error, request, reply));
  app.setNotFoundHandler((request, reply) => {
    const error = new PlatformError('route_not_found', `Cannot ${request.method} ${request.url.split('?', 1)[0]}`);
    return sendProblem(platform.log, error, request, reply);
  });
  addBodyParsers(app);
  addAuthentication(app, context);
  addIdempotency(app, context);
  // The framework sends null as an empty body, but it is an answer too.
  app.addHook('onSend', async (_request, reply, payload) => {
    if (payload !== null || reply.statusCode !== 200) return payload;
    reply.type('application/json; charset=utf-8');
    return 'null';
  });

  await app.register(swagger, openApiOptions(version));
  await app.register(docsRoutes);
  await app.register(systemRoutes, { ...context, version: { version, gitSha: null, buildTime: null } });
  await app.register(organisationRoutes, context);
  await app.register(projectRoutes, context);
  await app.register(manifestRoutes, context);
  await app.register(secretRoutes, context);
  await app.register(sourceRoutes, context);
  await app.register(buildRoutes, context);
  await app.register(buildRunRoutes, context);
  await app.register(queueRoutes, context);
  await app.register(garbageRoutes, context);
  await app.register(releaseRoutes, context);
  await app.register(releaseChangeRoutes, context);
  await app.register(deployRoutes, context);
  await app.register(pipelineRoutes, context);
  await app.register(boardRoutes, context);
  for (const name of ['environments', 'envs']) {
    const place = { ...context, base: `/projects/:project_id/${name}`, hide: name === 'envs' } as const;
    await app.register(environmentRoutes, place);
    await app.register(updateEnvironmentRoutes, place);
    await app.register(environmentStateRoutes, place);
    await app.register(environmentLogRoutes, place);
    await app.register(environmentDeployRoutes, place);
    await app.register(configurationRoutes, place);
  }
};
