import { hostname } from 'node:os';
import { keepRouting, type Platform } from '@eve/operations';
import type { Logger } from 'pino';
import type { Config } from './config.ts';
import { httpServer } from './http.ts';
import { work } from './work.ts';

/** The API and a worker in one process; disposing drains and stops both. */
export interface RunningServer extends AsyncDisposable {
  readonly url: string;
}

/** Serves the API on an address and takes work. */
export async function startServer(
  platform: Platform,
  options: { config: Config; host: string; port: number; version: string; logger: Logger; worker?: boolean },
): Promise<RunningServer> {
  const { config, host, port, version, logger } = options;
  const app = await httpServer(platform, { version, logger });
  await app.listen({ host, port });
  const stopping = new AbortController();
  const working = options.worker === false ? Promise.resolve() : startWorker(platform, config, stopping.signal);
  return {
    url: `http://${host}:${port}`,
    async [Symbol.asyncDispose]() {
      stopping.abort();
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
    deploySlots: config.EVE_DEPLOY_SLOTS,
  };
  await Promise.all([work(platform, options, signal), keepRouting(platform, signal)]);
}
