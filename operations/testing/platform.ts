import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { directoryBlobs, directoryLogSpool } from '@eve/adapter-blobs';
import { vault } from '@eve/adapter-keys';
import { createNotifications, postgresLogs, workQueue } from '@eve/adapter-postgres';
import { checkInvariants, newId, type TestDatabase, testDatabase } from '@eve/adapter-postgres/testing';
import { registryLogins } from '@eve/adapter-registries';
import type { Failpoint, Platform, Settings } from '../src/platform.ts';
import type { WorkClass } from '../src/ports/work-queue.ts';
import { isLoginRevoked } from '../src/registry/revoked-login.ts';
import { type ScriptedBuilder, scriptedBuilder } from './scripted-builder.ts';
import { type ScriptedDeployer, scriptedDeployer } from './scripted-deployer.ts';
import { type ScriptedRegistry, scriptedRegistry } from './scripted-registry.ts';
import { type ScriptedRouter, scriptedRouter } from './scripted-router.ts';
import { type ScriptedRunner, scriptedRunner } from './scripted-runner.ts';
import { type ScriptedSource, scriptedSource } from './scripted-source.ts';
import { killAt, workUntil } from './work.ts';

/** The registry's host on a test platform. */
export const testRegistry = 'registry.test:5000';

/** A platform on a real database with scripted engines. Disposing checks the invariants and drops all of it. */
export interface TestPlatform extends AsyncDisposable {
  readonly platform: Platform;
  readonly db: TestDatabase;
  readonly builder: ScriptedBuilder;
  readonly registry: ScriptedRegistry;
  readonly source: ScriptedSource;
  readonly deployer: ScriptedDeployer;
  readonly router: ScriptedRouter;
  readonly runner: ScriptedRunner;
  /** What the platform logged for its operator: sentence and fields. */
  readonly said: { readonly sentence: string; readonly fields: object }[];
  /** May be given to do something at a failpoint. */
  onFailpoint: ((name: Failpoint) => void) | null;
  /** Runs a worker with the real handlers until nothing is left to do, or until the condition holds. */
  work(until?: () => boolean | Promise<boolean>): Promise<void>;
  /** Lets a worker take work of a class and die at a failpoint; its lease has run out when this resolves. */
  killAt(workClass: WorkClass, failpoint: Failpoint): Promise<void>;
  /** What a build run or deploy printed, in order. */
  lines(subject: { tenantId: NewLogLineOwner; id: string }): Promise<readonly string[]>;
}

type NewLogLineOwner = Parameters<Platform['logs']['read']>[0]['tenantId'];

/** What a test's runtime can do; as a machine's unless said. */
export interface Runtime {
  readonly exchange?: Platform['deployer']['exchange']['by'];
  readonly weights?: Platform['router']['weights'];
}

/** Makes a platform. Settings that are given win over the test's own; a database that is given is shared by the tests of a file. */
export async function testPlatform(
  settings: Partial<Settings> = {},
  shared?: TestDatabase,
  { exchange = 'halting', weights = 'exact' }: Runtime = {},
): Promise<TestPlatform> {
  const db = shared ?? (await testDatabase());
  const directory = await mkdtemp(join(tmpdir(), 'eve-test-'));
  const notifications = createNotifications(db.pool, { url: db.url });
  const registry = scriptedRegistry();
  const builder = scriptedBuilder(registry);
  const source = scriptedSource();
  const deployer = scriptedDeployer(exchange);
  const router = scriptedRouter(weights);
  const runner = scriptedRunner();
  const blobs = directoryBlobs(directory);
  const said: TestPlatform['said'] = [];
  const say = (fields: object, sentence: string) => void said.push({ sentence, fields });

  const platform: Platform = {
    store: db.store,
    queue: workQueue(db.pool, { url: db.url, notifications, pollMs: 200 }),
    logs: postgresLogs(db.pool, { notifications, pollMs: 200, blobs, settleMs: 0 }),
    logSpool: directoryLogSpool({ directory: join(directory, 'spool'), maxBytes: 16 * 1024 * 1024 }),
    blobs,
    vault: vault({ id: 'test', version: 1, bytes: randomBytes(32) }),
    source,
    builders: { buildx: builder },
    registry,
    registryTokens: null,
    registryLogins: registryLogins({
      key: randomBytes(32),
      host: testRegistry,
      isRevoked: (subject) => isLoginRevoked({ store: db.store }, subject),
    }),
    deployer,
    router,
    runner,
    registryStorage: null,
    settings: { ...testSettings, ...settings },
    log: { info: say, warn: say, error: say },
    now: () => new Date(),
    newId,
    failpoint: (name) => test.onFailpoint?.(name),
  };
  const test: TestPlatform = {
    platform,
    db,
    builder,
    registry,
    source,
    deployer,
    router,
    runner,
    said,
    onFailpoint: null,
    work: (until) => workUntil(test, until),
    killAt: (workClass, failpoint) => killAt(test, workClass, failpoint, freshQueue),
    lines: async (subject) => (await platform.logs.read(subject, {})).map(({ text }) => text),
    async [Symbol.asyncDispose]() {
      await notifications[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
      await (shared ? leave(shared) : db[Symbol.asyncDispose]());
    },
  };
  const freshQueue = () => workQueue(db.pool, { url: db.url, notifications });
  return test;
}

/** Checks the invariants and empties the database for the next test. */
async function leave({ pool }: TestDatabase): Promise<void> {
  const broken = await checkInvariants(pool);
  const { rows } = await pool.query<{ name: string }>(`
    select quote_ident(relname) as name from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
      and relname not in ('routing', 'eve_migrations')`);
  // What never changes refuses this too, unless its triggers are off.
  await pool.query(`
    set local session_replication_role = replica;
    truncate ${rows.map(({ name }) => name).join(', ')} cascade`);
  if (broken.length > 0) throw new Error(`Invariants are broken:\n${broken.join('\n')}`);
}

const testSettings: Settings = {
  installation: 'test',
  localSources: false,
  buildReuse: true,
  buildBackend: null,
  buildQueueTimeoutMs: 3_600_000,
  buildPrepareTimeoutMs: 600_000,
  buildCache: 'engine',
  sbomScanner: null,
  cacheDir: '/nowhere',
  machine: null,
  registryHost: testRegistry,
  registryService: 'eve-registry',
  internalApiKey: null,
  domain: 'localhost',
  routerPort: 8080,
  addresses: 'machine',
  lastingLogins: false,
  servicePortsFrom: 30_000,
  defaultTier: 'dedicated',
  publicUrl: 'http://127.0.0.1:4600',
  drainMs: 50,
  stabiliseMs: 0,
  driftMs: 0,
  retention: {
    revisions: 10,
    releases: 20,
    builds: 20,
    imagesMs: 7 * 86_400_000,
    logsMs: 30 * 86_400_000,
    everyMs: 0,
  },
  sharedEngine: false,
};
