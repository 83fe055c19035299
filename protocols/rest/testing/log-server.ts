import {
  createNotifications,
  createPool,
  database,
  postgresLogs,
  postgresStore,
  queueRecords,
  workQueue,
} from '@eve/adapter-postgres';
import type { Platform } from '@eve/operations';
import Fastify from 'fastify';
import { restRoutes } from '../src/index.ts';

// The API as a process of its own, for tests to kill: reads logs of a database that is there already.

const [url = '', port = ''] = process.argv.slice(2);
const pool = createPool({ url, applicationName: 'eve-test-server' });
const notifications = createNotifications(pool, { url });
const platform = {
  store: postgresStore(database(pool), queueRecords),
  queue: workQueue(pool, { url, notifications }),
  logs: postgresLogs(pool, { notifications }),
  log: { info() {}, warn() {}, error() {} },
  now: () => new Date(),
  // The parts that reading a log reaches.
} as unknown as Platform;
const app = Fastify({ forceCloseConnections: true });
await app.register(restRoutes, { platform, version: '0.0.0' });
await app.listen({ host: '127.0.0.1', port: Number(port) });
process.stdout.write('ready\n');
