import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlatformError } from '@eve/domain';
import { keepRouting, type Platform } from '@eve/operations';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { Config } from './config.ts';
import { httpServer } from './http.ts';
import { work } from './work.ts';

const listenAttempts = 10;
const listenPauseMs = 300;
const longestRequestMs = 20_000;

/** The API and, unless the configuration says otherwise, a worker in one process; disposing drains and stops both. */
export interface RunningServer extends AsyncDisposable {
  readonly url: string;
}

/** Serves the API on an address, and takes work. */
export async function startServer(
  platform: Platform,
  options: { config: Config; host: string; port: number; version: string; logger: Logger },
): Promise<RunningServer> {
  const { config, host, port, version, logger } = options;
  const { app, draining } = await httpServer(platform, { version, logger });
  await listen(app, host, port);
  const stopping = new AbortController();
  const working = config.EVE_WORKER ? startWorker(platform, config, stopping.signal) : Promise.resolve();
  return {
    url: `http://${host}:${port}`,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      const serveMs = config.EVE_API_DRAIN;
      if (serveMs > 0) await draining.drain({ serveMs, endMs: longestRequestMs });
      await app.close();
      await working;
    },
  };
}

/** Takes work, and keeps the router at what is recorded, until the signal. */
export async function startWorker(platform: Platform, config: Config, signal: AbortSignal): Promise<void> {
  const options = {
    worker: `${hostname()}-${process.pid}`,
    leaseMs: config.EVE_LEASE_SECONDS * 1000,
    buildSlots: config.EVE_BUILD_SLOTS,
    builderCapacity: config.EVE_BUILDER_CAPACITY ?? null,
    deploySlots: config.EVE_DEPLOY_SLOTS,
    graceMs: config.EVE_WORK_GRACE,
  };
  await Promise.all([work(platform, options, signal), keepRouting(platform, signal)]);
}

/** Listens; a port that a process which is just ending still holds is waited for. Throws `request_invalid` naming the port. */
async function listen(app: FastifyInstance, host: string, port: number): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await app.listen({ host, port });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      if (attempt === listenAttempts) {
        throw new PlatformError(
          'request_invalid',
          `Port ${port} of ${host} is taken by another program: set EVE_LISTEN to another one.`,
        );
      }
      await sleep(listenPauseMs);
    }
  }
}
