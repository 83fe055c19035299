import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { type Pool, translateError } from './connection.ts';

/** One numbered file of `migrations/`. */
export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

/** What stands in the way of using a database; the message says what to do. */
export class MigrationRefused extends Error {
  override readonly name = 'MigrationRefused';
}

const defaultFolder = join(import.meta.dirname, '..', 'migrations');
// Any constant will do, as long as every release uses the same.
const lock = 7_345_210_981;

/** The migrations of a folder in their order, without gaps. */
export async function readMigrations(folder: string = defaultFolder): Promise<Migration[]> {
  const files = (await readdir(folder)).filter((name) => /^\d{4}_[a-z0-9_]+\.sql$/.test(name)).sort();
  const migrations = await Promise.all(
    files.map(async (name) => {
      const sql = await readFile(join(folder, name), 'utf8');
      const checksum = createHash('sha256').update(sql).digest('hex');
      return { number: Number(name.slice(0, 4)), name, sql, checksum };
    }),
  );
  migrations.forEach(({ number, name }, index) => {
    if (number !== index + 1)
      throw new MigrationRefused(`Migration ${name} is out of order: expected number ${index + 1}.`);
  });
  return migrations;
}

/** Brings the schema forward, once however many processes ask at the same time. Returns the names of what was run. */
export async function migrate(pool: Pool, { folder }: { folder?: string } = {}): Promise<string[]> {
  const migrations = await readMigrations(folder);
  const client = await pool.connect().catch((error: unknown) => {
    throw translateError(error);
  });
  try {
    await client.query('select pg_advisory_lock($1)', [lock]);
    try {
      return await migrateLocked(client, migrations);
    } finally {
      await client.query('select pg_advisory_unlock($1)', [lock]);
    }
  } finally {
    client.release();
  }
}

const oldestServer = 15;

async function migrateLocked(client: pg.PoolClient, migrations: readonly Migration[]): Promise<string[]> {
  const { rows: servers } = await client.query<{ number: number }>(
    "select current_setting('server_version_num')::int / 10000 as number",
  );
  const server = servers[0]?.number ?? 0;
  if (server < oldestServer) {
    throw new MigrationRefused(`This is PostgreSQL ${server}; Eve needs ${oldestServer} or newer.`);
  }
  await client.query(`
    create table if not exists eve_migrations (
      number integer primary key,
      name text not null,
      checksum text not null,
      applied_at timestamptz not null default now()
    )`);
  const { rows: applied } = await client.query<{ number: number; name: string; checksum: string }>(
    'select number, name, checksum from eve_migrations order by number',
  );
  for (const row of applied) checkApplied(row, migrations);

  const missing = migrations.filter(({ number }) => !applied.some((row) => row.number === number));
  for (const migration of missing) await apply(client, migration);
  return missing.map(({ name }) => name);
}

function checkApplied(row: { number: number; name: string; checksum: string }, migrations: readonly Migration[]): void {
  const migration = migrations.find(({ number }) => number === row.number);
  if (!migration) {
    throw new MigrationRefused(
      `The database is newer than this release: it has migration ${row.name}. Start a release that knows it.`,
    );
  }
  if (migration.checksum !== row.checksum) {
    throw new MigrationRefused(
      `Migration ${migration.name} was edited after it had been applied. Restore the file and put the change into a new one.`,
    );
  }
}

async function apply(client: pg.PoolClient, { number, name, sql, checksum }: Migration): Promise<void> {
  try {
    await client.query('begin');
    await client.query(sql);
    await client.query('insert into eve_migrations (number, name, checksum) values ($1, $2, $3)', [
      number,
      name,
      checksum,
    ]);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw new Error(`Migration ${name} failed: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
