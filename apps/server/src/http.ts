import type { Platform } from '@eve/operations';
import { registryTokenRoutes } from '@eve/protocol-registry-token';
import { refuseBeforeRouting, restRoutes } from '@eve/protocol-rest';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Logger } from 'pino';
import { type Draining, draining } from './draining.ts';
import { healthRoutes } from './health.ts';

/** Every protocol on one server, and the way to end it gently. */
export async function httpServer(
  platform: Platform,
  { version, logger }: { version: string; logger: Logger },
): Promise<{ app: FastifyInstance; draining: Draining }> {
  const app = Fastify({
    loggerInstance: logger as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: true,
    frameworkErrors: refuseBeforeRouting(platform.log),
  });
  const ending = draining(app);
  await app.register(healthRoutes, { platform, isLeaving: ending.isLeaving });
  await app.register(registryTokenRoutes, { platform });
  await app.register(restRoutes, { platform, version });
  return { app, draining: ending };
}
