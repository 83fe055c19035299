import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Store } from '@eve/operations';
import pg from 'pg';
import { createPool, type Database, database, errorCode, type Pool } from '../src/connection.ts';
import { migrate, readMigrations } from '../src/migrate.ts';
import { queueRecords } from '../src/queue-records.ts';
import { postgresStore } from '../src/store.ts';
import { checkInvariants } from './invariants.ts';
import { sharedServer } from './shared-server.ts';

export { completeBuild, finishedBuild, startedBuild } from './build-scene.ts';
export { type ClaimLog, longestWaits, readClaimLog, recordClaims } from './claim-log.ts';
export { checkInvariants } from './invariants.ts';
export { expireLease, leaseFor } from './lease.ts';
export * from './pipeline-samples.ts';
export * from './samples.ts';
export { sharedServer } from './shared-server.ts';
export { fillQueue, simulateQueue } from './simulate-queue.ts';

/** A database of one test file, with all migrations. Disposing checks the invariants, then drops it. */
export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
  readonly pool: Pool;
  readonly database: Database;
  readonly store: Store;
}

/** Makes a database from the template. `invariants: false` is for tests that break them on purpose. */
export async function testDatabase({
  invariants = true,
  max = 10,
}: {
  invariants?: boolean;
  max?: number;
} = {}): Promise<TestDatabase> {
  const server = await sharedServer();
  const template = await ensureTemplate(server);
  const name = `eve_test_${process.pid}_${randomBytes(6).toString('hex')}`;
  await administer(server, (client) => create(client, name, template));

  const url = withDatabase(server, name);
  const pool = createPool({ url, max, applicationName: 'eve-test' });
  const statements = database(pool);
  return {
    url,
    pool,
    database: statements,
    store: postgresStore(statements, queueRecords),
    async [Symbol.asyncDispose]() {
      const broken = invariants ? await checkInvariants(pool) : [];
      await pool.end();
      await administer(server, (client) => client.query(`drop database ${name} with (force)`));
      if (broken.length > 0) throw new Error(`Invariants are broken:\n${broken.join('\n')}`);
    },
  };
}

/** An empty database, without any migration. */
export async function emptyDatabase(): Promise<{ url: string; pool: Pool } & AsyncDisposable> {
  const server = await sharedServer();
  const name = `eve_test_${process.pid}_${randomBytes(6).toString('hex')}`;
  await administer(server, (client) => client.query(`create database ${name}`));
  const url = withDatabase(server, name);
  const pool = createPool({ url, applicationName: 'eve-test' });
  return {
    url,
    pool,
    async [Symbol.asyncDispose]() {
      await pool.end();
      await administer(server, (client) => client.query(`drop database ${name} with (force)`));
    },
  };
}

let template: Promise<string> | undefined;

/** One template per set of migrations, made by whoever comes first. */
function ensureTemplate(server: string): Promise<string> {
  template ??= makeTemplate(server);
  return template;
}

async function makeTemplate(server: string): Promise<string> {
  const migrations = await readMigrations();
  const hash = createHash('sha256')
    .update(migrations.map(({ checksum }) => checksum).join())
    .digest('hex')
    .slice(0, 16);
  const name = `eve_template_${hash}`;
  await administer(server, async (client) => {
    await client.query('select pg_advisory_lock(hashtextextended($1, 0))', [name]);
    const { rowCount } = await client.query('select from pg_database where datname = $1 and datistemplate', [name]);
    if (rowCount === 1) return;
    await client.query(`drop database if exists ${name} with (force)`);
    await client.query(`create database ${name}`);
    const pool = createPool({ url: withDatabase(server, name), max: 1 });
    try {
      await migrate(pool);
      await pool.query('analyze');
    } finally {
      await pool.end();
    }
    await client.query(`alter database ${name} with is_template true`);
  });
  return name;
}

async function create(client: pg.Client, name: string, from: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await client.query(`create database ${name} template ${from} strategy file_copy`);
      return;
    } catch (error) {
      // 55006: someone is still connected to the template, such as the one who has just made it.
      if (errorCode(error) !== '55006' || attempt === 20) throw error;
      await delay(50 * attempt);
    }
  }
}

async function administer(server: string, act: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: withDatabase(server, 'postgres') });
  await client.connect();
  try {
    await act(client);
  } finally {
    await client.end();
  }
}

function withDatabase(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}
