import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Log } from '@eve/operations';
import pg from 'pg';
import { type Binaries, findBinaries } from './embedded-binaries.ts';
import { type Launched, launch } from './embedded-process.ts';
import { endingWithParent, findRunner, type Runner } from './embedded-user.ts';

const execute = promisify(execFile);

/** A PostgreSQL server of our own. It ends with this process, also when this process is killed. */
export interface EmbeddedPostgres {
  /** Holds the password: never logged. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Resolves when the server has ended, wanted or not. */
  readonly exited: Promise<void>;
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  /** Holds the cluster (`data/`), the password and the port. */
  readonly dataDir: string;
  /** Null: one that is chosen once and kept in the data directory. */
  readonly port: number | null;
  readonly log: Log;
  /** Over the defaults of `postgresql.conf`, such as `{ fsync: 'off' }` for tests. */
  readonly settings?: Readonly<Record<string, string>>;
  /** False runs as an unprivileged user instead of in a user namespace, when we are root. */
  readonly namespaces?: boolean;
}

/** Small: an installation on one machine holds everything of Eve in 250 MB. */
const defaults: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  shared_buffers: '24MB',
  max_connections: '60',
  work_mem: '4MB',
  maintenance_work_mem: '32MB',
  wal_buffers: '2MB',
  min_wal_size: '32MB',
  max_wal_size: '256MB',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_logical_replication_workers: '0',
  max_worker_processes: '2',
  max_parallel_workers_per_gather: '0',
  autovacuum_max_workers: '2',
  io_method: 'sync',
  jit: 'off',
  lc_messages: 'C',
  timezone: 'UTC',
  log_line_prefix: '',
  log_min_messages: 'warning',
};

const user = 'eve';
// For what ends by itself: a server that is just going down, a port that is just being let go.
const startTimeoutMs = 10_000;

/** Starts the server, making the cluster first when there is none. */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const dataDir = resolve(options.dataDir);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const [binaries, runner] = await Promise.all([findBinaries(), findRunner(options)]);
  await ensureCluster(dataDir, binaries, runner);
  const password = (await readFile(join(dataDir, 'password'), 'utf8')).trim();

  const { launched, port } = await launchUntilReady(dataDir, binaries, runner, options);
  const url = `postgres://${user}:${password}@127.0.0.1:${port}/eve`;
  await ensureDatabase(dataDir, url).catch(async (error: unknown) => {
    await launched.stop();
    throw error;
  });
  options.log.info({ port, pid: launched.pid }, 'embedded PostgreSQL is ready');
  return { url, port, pid: launched.pid, exited: launched.exited, stop: launched.stop };
}

async function ensureCluster(dataDir: string, binaries: Binaries, runner: Runner): Promise<void> {
  const version = await readText(join(dataDir, 'data', 'PG_VERSION'));
  if (version === binaries.major) return;
  if (version !== null) {
    throw new Error(
      `The data directory ${dataDir} is of PostgreSQL ${version}; this release has PostgreSQL ${binaries.major}. ` +
        'Make a backup with the release that wrote it (`eve backup`) and restore it into a new data directory (`eve restore`).',
    );
  }

  // What an interrupted first start left is thrown away; a cluster only counts once it has its final name.
  for (const name of (await readdir(dataDir)).filter((name) => name.startsWith('data.new'))) {
    await rm(join(dataDir, name), { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }
  const unfinished = join(dataDir, `data.new-${randomBytes(4).toString('hex')}`);
  await rm(join(dataDir, 'database-created'), { force: true });
  await writeFile(join(dataDir, 'password'), `${randomBytes(24).toString('base64url')}\n`, { mode: 0o600 });
  await runner.adopt(dataDir);
  const [program = '', ...prefix] = [...runner.prefix, ...endingWithParent([binaries.initdb])];
  await execute(program, [
    ...prefix,
    `--pgdata=${unfinished}`,
    `--username=${user}`,
    `--pwfile=${join(dataDir, 'password')}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--no-instructions',
    '--set=shared_buffers=24MB',
    '--set=max_connections=60',
  ]);
  await rename(unfinished, join(dataDir, 'data'));
}

async function launchUntilReady(
  dataDir: string,
  binaries: Binaries,
  runner: Runner,
  { port: wanted, settings, log }: EmbeddedOptions,
): Promise<{ launched: Launched; port: number }> {
  const deadline = performance.now() + startTimeoutMs;
  let port = wanted ?? (await keptPort(dataDir));
  for (let refusals = 0; ; ) {
    const parameters = { ...defaults, ...settings, port: String(port) };
    const launched = await launch({
      clusterDir: join(dataDir, 'data'),
      program: binaries.postgres,
      runner,
      parameters,
      log,
    });
    if (launched.state === 'ready') return { launched, port };

    if (launched.state === 'failed' || performance.now() > deadline) {
      const why = launched.state === 'in_use' ? `another server uses ${dataDir}` : launched.reason;
      throw new Error(`The embedded PostgreSQL did not start: ${why}`);
    }
    // Only after a while: a server of ours that is just ending may still hold the port.
    if (launched.state === 'port_taken' && wanted === null && ++refusals >= 5) {
      port = await keptPort(dataDir, { another: true });
      refusals = 0;
    }
    await delay(100);
  }
}

async function keptPort(dataDir: string, { another = false } = {}): Promise<number> {
  const path = join(dataDir, 'port');
  const kept = another ? null : await readText(path);
  if (kept !== null) return Number(kept);
  const port = await freePort();
  await writeFile(path, `${port}\n`, { mode: 0o600 });
  return port;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done, failed) => server.once('error', failed).listen(0, '127.0.0.1', done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === 'string') throw new Error('No free port was found.');
  return address.port;
}

/** The cluster is made with the databases of PostgreSQL only; ours is made once, at the first start. */
async function ensureDatabase(dataDir: string, url: string): Promise<void> {
  const mark = join(dataDir, 'database-created');
  if ((await readText(mark)) !== null) return;
  const client = new pg.Client({ connectionString: new URL('/postgres', url).href });
  await client.connect();
  try {
    const { rowCount } = await client.query("select from pg_database where datname = 'eve'");
    if (rowCount === 0) await client.query('create database eve');
  } finally {
    await client.end();
  }
  await writeFile(mark, '', { mode: 0o600 });
}

async function readText(path: string): Promise<string | null> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
