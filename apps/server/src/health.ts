import type { Log, Platform } from '@eve/operations';
import Fastify, { type FastifyPluginAsync } from 'fastify';

const answerMs = 3_000;

export interface HealthOptions {
  readonly platform: Pick<Platform, 'store'>;
  /** Whether the process is about to end: it is well, and takes nothing new. */
  readonly isLeaving: () => boolean;
}

/** What an orchestrator asks: `live` is whether the process answers at all, `ready` whether it can do its work now. */
export const healthRoutes: FastifyPluginAsync<HealthOptions> = async (app, { platform, isLeaving }) => {
  app.get('/health/live', async () => ({ status: 'ok' }));
  app.get('/health/ready', async (_request, reply) => {
    const status = isLeaving() ? 'leaving' : (await databaseAnswers(platform)) ? 'ok' : 'database_unavailable';
    return reply.code(status === 'ok' ? 200 : 503).send({ status });
  });
};

/** Answers about a process that has no API. */
export async function healthServer(
  options: HealthOptions,
  { host, port, log }: { host: string; port: number; log: Log },
): Promise<AsyncDisposable> {
  const app = Fastify({ forceCloseConnections: true });
  await app.register(healthRoutes, options);
  const url = await app.listen({ host, port });
  log.info({ url }, 'health is told');
  return { [Symbol.asyncDispose]: () => app.close() };
}

/** A connection that hangs is none: whoever asks has a time limit of its own. */
async function databaseAnswers({ store }: HealthOptions['platform']): Promise<boolean> {
  const late = AbortSignal.timeout(answerMs);
  return new Promise((resolve) => {
    late.addEventListener('abort', () => resolve(false));
    store.ping().then(
      () => resolve(true),
      () => resolve(false),
    );
  });
}
