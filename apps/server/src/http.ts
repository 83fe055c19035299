import type { Platform } from '@eve/operations';
import { registryTokenRoutes } from '@eve/protocol-registry-token';
import { refuseBeforeRouting, restRoutes } from '@eve/protocol-rest';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Logger } from 'pino';

/** Every protocol on one server. */
export async function httpServer(
  platform: Platform,
  { version, logger }: { version: string; logger: Logger },
): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: logger as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: true,
    frameworkErrors: refuseBeforeRouting(platform.log),
  });
  await app.register(registryTokenRoutes, { platform });
  await app.register(restRoutes, { platform, version });
  return app;
}
