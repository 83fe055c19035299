import type { Platform } from '@eve/operations';
import { registryTokenRoutes } from '@eve/protocol-registry-token';
import { restRoutes } from '@eve/protocol-rest';
import Fastify, { type FastifyInstance } from 'fastify';
import type { Logger } from 'pino';

/** Every protocol on one server. */
export async function httpServer(
  platform: Platform,
  { version, logger }: { version: string; logger: Logger },
): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: logger,
    disableRequestLogging: true,
    trustProxy: false,
    forceCloseConnections: true,
  });
  await app.register(registryTokenRoutes, { platform });
  await app.register(restRoutes, { platform, version });
  return app as unknown as FastifyInstance;
}
