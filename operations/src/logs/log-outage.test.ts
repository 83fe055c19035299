import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { directoryLogSpool } from '@eve/adapter-blobs';
import {
  createNotifications,
  createPool,
  database,
  type EmbeddedPostgres,
  migrate,
  type Notifications,
  type Pool,
  postgresLogs,
  postgresStore,
  queueRecords,
  startEmbeddedPostgres,
} from '@eve/adapter-postgres';
import { leaseFor, newId, sampleOrganisation, sampleProject } from '@eve/adapter-postgres/testing';
import { PlatformError } from '@eve/domain';
import type { LogLine, LogSubject, Logs } from '../ports/logs.ts';
import type { Lease } from '../ports/work-queue.ts';
import { logWriter } from './log-writer.ts';

const quiet = { info() {}, warn() {}, error() {} };
const noRedaction = (text: string) => text;

let directory: string;
let server: EmbeddedPostgres;
let pool: Pool;
let notifications: Notifications;
let logs: Logs;

const start = () => startEmbeddedPostgres({ dataDir: join(directory, 'postgres'), port: null, log: quiet });

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'eve-log-outage-'));
  server = await start();
  pool = createPool({ url: server.url });
  await migrate(pool);
  notifications = createNotifications(pool, { url: server.url });
  logs = postgresLogs(pool, { notifications, pollMs: 200 });
});

after(async () => {
  await notifications[Symbol.asyncDispose]();
  await pool.end();
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

/** A run under a lease that lasts. */
async function run(): Promise<{ subject: LogSubject; lease: Lease }> {
  const statements = database(pool);
  const store = postgresStore(statements, queueRecords);
  const organisation = sampleOrganisation({ tier: 'dedicated' });
  const project = sampleProject(organisation);
  await store.organisations.insert(organisation);
  await store.projects.insert(project);
  const subject = { tenantId: organisation.id, projectId: project.id, id: newId('brun') };
  const lease = await leaseFor({ store, database: statements }, 'execute-build-run', subject);
  return { subject, lease };
}

function open(
  { subject, lease }: { subject: LogSubject; lease: Lease },
  maxBytes: number,
  signal?: AbortSignal,
  to: Logs = logs,
) {
  const logSpool = directoryLogSpool({ directory: join(directory, 'spool'), maxBytes });
  const options = { lease, attempt: 1, redact: noRedaction, ...(signal && { signal }) };
  return logWriter({ logs: to, logSpool, now: () => new Date() }, subject, options);
}

async function all(subject: LogSubject): Promise<LogLine[]> {
  const read: LogLine[] = [];
  for (let page = await logs.read(subject, {}); page.length > 0; ) {
    read.push(...page);
    page = await logs.read(subject, { after: read.at(-1)?.sequence ?? 0 });
  }
  return read;
}

/** Prints numbered lines, a group a millisecond, until told to stop. Answers how many. */
async function printUntil(
  writer: ReturnType<typeof open>,
  stop: AbortSignal,
  { group = 20, text = '' } = {},
): Promise<number> {
  let count = 0;
  while (!stop.aborted) {
    for (let line = 0; line < group; line++)
      await writer.print({ service: 'web', step: null, stream: 'stdout', text: `${++count} ${text}`, at: new Date() });
    await delay(1);
  }
  return count;
}

function numbers(lines: readonly LogLine[]): number[] {
  return lines.map(({ text }) => Number.parseInt(text, 10));
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

describe('a log, while the database is stopped and started again', () => {
  it('keeps every line of a program that goes on printing, once and in order, and its follower sees the same', async () => {
    const place = await run();
    const stop = new AbortController();
    const writer = open(place, 64 * 1024 * 1024);
    const followed: number[] = [];
    const leaving = new AbortController();
    const following = (async () => {
      for await (const lines of logs.follow(place.subject, 0, leaving.signal)) followed.push(...numbers(lines));
    })();
    const printing = printUntil(writer, stop.signal);

    await delay(300);
    await server.stop();
    await delay(1_500);
    const flushing = writer.flush();
    server = await start();
    await delay(500);
    stop.abort();
    const count = await printing;
    await flushing;
    await writer[Symbol.asyncDispose]();

    assert.ok(count > 10_000, `only ${count} lines were printed`);
    const lines = await all(place.subject);
    assert.deepEqual(numbers(lines), upTo(count));
    assert.deepEqual(
      lines.map(({ sequence }) => sequence),
      upTo(count),
    );
    for (let waited = 0; followed.length < count && waited < 5_000; waited += 50) await delay(50);
    leaving.abort();
    await following;
    assert.deepEqual(followed, upTo(count));
  });

  it('says how many lines had no room on disk, at their place, and keeps what the platform said', async () => {
    const place = await run();
    const writer = open(place, 2 * 1024 * 1024);
    await server.stop();
    const text = 'x'.repeat(100);
    for (let number = 1; number <= 40_000; number++) {
      await writer.print({ service: 'web', step: null, stream: 'stdout', text: `${number} ${text}`, at: new Date() });
      if (number % 5_000 === 0) await delay(60);
      if (number === 30_000) writer.say('the platform says this');
    }
    server = await start();
    await writer.flush();
    for (let number = 40_001; number <= 40_010; number++)
      await writer.print({ service: 'web', step: null, stream: 'stdout', text: `${number} ${text}`, at: new Date() });
    await writer[Symbol.asyncDispose]();

    const lines = await all(place.subject);
    const printed = lines.filter(({ stream }) => stream === 'stdout');
    const lost = lines
      .filter(({ level }) => level === 'error')
      .map(({ text }) => /^… (\d+) lines were not kept: .* 2 MiB/.exec(text)?.[1]);
    assert.equal(printed.length + lost.reduce((sum, count) => sum + Number(count), 0), 40_010);
    assert.ok(lost.length >= 1 && lost.length <= 3, `${lost.length} sentences`);
    assert.deepEqual(
      numbers(printed),
      numbers(printed).toSorted((a, b) => a - b),
    );
    assert.equal(lines.filter(({ text }) => text === 'the platform says this').length, 1);
    // The first gap begins right where the kept lines end.
    const gap = lines.findIndex(({ level }) => level === 'error');
    const [before, behind] = [lines[gap - 1], lines.slice(gap + 1).find(({ stream }) => stream === 'stdout')];
    assert.ok(Number.parseInt(before?.text ?? '', 10) < Number.parseInt(behind?.text ?? '', 10));
  });

  it('does not store a batch twice whose answer was lost', async () => {
    const place = await run();
    const stop = new AbortController();
    let calls = 0;
    const forgetful: Logs = {
      ...logs,
      async append(...given) {
        const last = await logs.append(...given);
        if (++calls % 3 === 0) throw new PlatformError('database_unavailable', 'The answer was lost.');
        return last;
      },
    };
    const writer = open(place, 64 * 1024 * 1024, undefined, forgetful);
    const printing = printUntil(writer, stop.signal);
    await delay(1_500);
    stop.abort();
    const count = await printing;
    await writer[Symbol.asyncDispose]();

    assert.ok(calls > 6, `${calls} calls`);
    assert.deepEqual(numbers(await all(place.subject)), upTo(count));
  });

  it('goes on when connections break again and again', async () => {
    const place = await run();
    const stop = new AbortController();
    const writer = open(place, 64 * 1024 * 1024);
    const printing = printUntil(writer, stop.signal, { group: 50 });
    for (let round = 0; round < 60; round++) {
      await delay(20);
      await pool
        .query(
          `select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and application_name = 'eve'`,
        )
        .catch(() => {});
    }
    stop.abort();
    const count = await printing;
    await writer[Symbol.asyncDispose]();

    assert.deepEqual(numbers(await all(place.subject)), upTo(count));
  });

  it('adds nothing for a batch that is there already', async () => {
    const { subject, lease } = await run();
    const line = { at: new Date(), attempt: 1, service: null, step: null, stream: 'stdout', level: 'info' } as const;
    const batch = [{ ...line, code: null, text: 'once' }];

    const first = await logs.append(subject, batch, lease, undefined, { writer: 'w', number: 1 });
    await logs.append(subject, [{ ...line, code: null, text: 'cancel asked' }], null);
    const again = await logs.append(subject, batch, lease, undefined, { writer: 'w', number: 1 });
    const next = await logs.append(subject, batch, lease, undefined, { writer: 'w', number: 2 });

    assert.deepEqual([first, again, next], [1, 2, 3]);
    assert.deepEqual(
      (await all(subject)).map(({ text }) => text),
      ['once', 'cancel asked', 'once'],
    );
  });

  it('ends its wait with the signal', async () => {
    const place = await run();
    const ended = new AbortController();
    const writer = open(place, 1024 * 1024, ended.signal);
    await server.stop();
    writer.say('never stored');
    const flushing = assert.rejects(writer.flush(), { code: 'database_unavailable' });
    await delay(200);

    ended.abort();

    await flushing;
    await writer[Symbol.asyncDispose]();
    server = await start();
    assert.deepEqual(await all(place.subject), []);
  });
});
