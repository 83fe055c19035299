import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded.ts';

const lines: { fields: object; sentence: string }[] = [];
const keep = (fields: object, sentence: string) => lines.push({ fields, sentence });
const log = { info: keep, warn: keep, error: keep };

describe('the embedded PostgreSQL', () => {
  let dataDir: string;

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'eve-embedded-'));
  });
  after(() => rm(dataDir, { recursive: true, force: true }));

  it('makes its cluster at the first start and keeps it, with its port', async () => {
    const first = await startEmbeddedPostgres({ dataDir, port: null, log });
    await ask(first, 'create table kept as select 7 as value');
    await first.stop();

    const began = performance.now();
    const second = await startEmbeddedPostgres({ dataDir, port: null, log });
    const rows = await ask(second, 'select value from kept');
    const took = performance.now() - began;
    await second.stop();

    assert.deepEqual(rows, [{ value: 7 }]);
    assert.equal(second.url, first.url);
    assert.ok(took < 2_000, `the second start took ${took} ms`);
  });

  it('keeps its password in a file for its owner only, and in no log line or argument', async () => {
    const server = await startEmbeddedPostgres({ dataDir, port: null, log });
    const { password } = new URL(server.url);
    const command = await readFile(`/proc/${server.pid}/cmdline`, 'utf8');
    const wrong = server.url.replace(password, 'wrong');

    assert.equal((await stat(join(dataDir, 'password'))).mode & 0o777, 0o600);
    assert.ok(password.length >= 32);
    assert.ok(!command.includes(password));
    assert.ok(!JSON.stringify(lines).includes(password));
    await assert.rejects(ask({ url: wrong }, 'select 1'), { code: '28P01' });
    await server.stop();
  });

  it('keeps what it acknowledges on disk', async () => {
    const server = await startEmbeddedPostgres({ dataDir, port: null, log });

    const rows = await ask(
      server,
      "select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit",
    );

    assert.deepEqual(rows, [{ fsync: 'on', commit: 'on' }]);
    await server.stop();
  });

  it('ends by itself when its process is killed, and can be started again at once', async () => {
    const holder = await hold(dataDir);

    await kill(holder.process);
    const again = await startEmbeddedPostgres({ dataDir, port: null, log });

    assert.deepEqual(await ask(again, 'select value from kept'), [{ value: 7 }]);
    assert.ok(!(await isAlive(holder.pid)));
    await again.stop();
  });

  it('recovers when everything was killed', async () => {
    const holder = await hold(dataDir);
    await ask(holder, 'create table committed as select generate_series(1, 1000) as value');

    process.kill(holder.pid, 'SIGKILL');
    await kill(holder.process);
    const again = await startEmbeddedPostgres({ dataDir, port: null, log });

    assert.deepEqual(await ask(again, 'select count(*)::integer as count from committed'), [{ count: 1000 }]);
    await again.stop();
  });

  it('starts although the number in its pid file was given to another program', async () => {
    const sleeper = spawn('sleep', ['60']);
    const pidFile = [sleeper.pid, join(dataDir, 'data'), 0, 5432, '', '127.0.0.1', '', 'ready'].join('\n');
    await writeFile(join(dataDir, 'data', 'postmaster.pid'), pidFile);

    const server = await startEmbeddedPostgres({ dataDir, port: null, log });

    assert.deepEqual(await ask(server, 'select 1 as one'), [{ one: 1 }]);
    await server.stop();
    await kill(sleeper);
  });

  it('takes another port when its own is taken, and says which one failed when it was asked for', async () => {
    const kept = Number(await readFile(join(dataDir, 'port'), 'utf8'));
    const squatter = createServer().listen(kept, '127.0.0.1');
    await once(squatter, 'listening');

    const server = await startEmbeddedPostgres({ dataDir, port: null, log });

    assert.notEqual(server.port, kept);
    assert.deepEqual(await ask(server, 'select 1 as one'), [{ one: 1 }]);
    await server.stop();
    squatter.close();
  });

  it('refuses a data directory that another server uses, and leaves that one alone', async () => {
    const server = await startEmbeddedPostgres({ dataDir, port: null, log });

    await assert.rejects(startEmbeddedPostgres({ dataDir, port: null, log }), /another server uses/);

    assert.deepEqual(await ask(server, 'select 1 as one'), [{ one: 1 }]);
    await server.stop();
  });

  it('tells when it ended without being asked', async () => {
    const server = await startEmbeddedPostgres({ dataDir, port: null, log });

    process.kill(server.pid, 'SIGQUIT');

    await server.exited;
    await server.stop();
  });

  it('refuses a data directory of another major version, naming the way', async () => {
    const old = await mkdtemp(join(tmpdir(), 'eve-embedded-old-'));
    const first = await startEmbeddedPostgres({ dataDir: old, port: null, log });
    await first.stop();
    await writeFile(join(old, 'data', 'PG_VERSION'), '14\n');

    await assert.rejects(startEmbeddedPostgres({ dataDir: old, port: null, log }), /PostgreSQL 14.*eve backup/s);
    await rm(old, { recursive: true });
  });

  it('runs as an unprivileged user where user namespaces are forbidden', { skip: notRoot() }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'eve-embedded-user-'));
    const options = { dataDir: folder, port: null, log, namespaces: false };
    const first = await startEmbeddedPostgres(options);
    await first.stop();

    const second = await startEmbeddedPostgres(options);

    assert.deepEqual(await ask(second, 'select 1 as one'), [{ one: 1 }]);
    assert.notEqual((await stat(join(folder, 'data'))).uid, 0);
    await second.stop();
    await rm(folder, { recursive: true });
  });

  it('does not begin anew over a first start that was interrupted', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'eve-embedded-half-'));
    const interrupted = spawn(process.execPath, [holdProgram, folder], { stdio: 'ignore' });
    while (!(await readdir(folder)).some((name) => name.startsWith('data.new'))) await delay(2);
    await kill(interrupted);

    const server = await startEmbeddedPostgres({ dataDir: folder, port: null, log });

    assert.deepEqual(await ask(server, 'select 1 as one'), [{ one: 1 }]);
    await server.stop();
    await rm(folder, { recursive: true });
  });
});

const holdProgram = join(import.meta.dirname, '..', 'testing', 'hold-embedded.ts');

async function hold(dataDir: string): Promise<{ process: ChildProcess; url: string; pid: number }> {
  const child = spawn(process.execPath, [holdProgram, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer]; // the event has one chunk
  return { process: child, ...(JSON.parse(line.toString()) as { url: string; pid: number }) };
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

async function isAlive(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  return status !== null && !/\) Z /.test(status);
}

async function ask({ url }: Pick<EmbeddedPostgres, 'url'>, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

function notRoot(): string | false {
  return process.getuid?.() === 0 ? false : 'only root needs another user';
}
