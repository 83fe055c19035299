import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eveClient } from '@eve/protocol-rest/client';
import { type OwnDatabase, ownDatabase } from '../../../operations/testing/own-database.ts';

const main = join(import.meta.dirname, 'main.ts');

describe('the server’s commands', { timeout: 110_000 }, () => {
  let database: OwnDatabase;
  let directory: string;
  const running: ChildProcess[] = [];

  before(async () => {
    database = await ownDatabase();
    directory = await mkdtemp(join(tmpdir(), 'eve-commands-'));
  });
  after(async () => {
    for (const child of running) child.kill('SIGKILL');
    await database[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true, maxRetries: 10 });
  });

  function start(words: readonly string[], settings: NodeJS.ProcessEnv = {}) {
    const child = spawn(process.execPath, [main, ...words], {
      env: {
        PATH: process.env.PATH,
        DATABASE_URL: database.url,
        EVE_DATA_DIR: join(directory, words.join('-')),
        ...settings,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.push(child);
    const ended = once(child, 'close');
    const printed = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text: string) => {
        printed[name] += text;
      });
    return {
      child,
      printed,
      code: async () => (await ended)[0] as number | null,
      /** The address in the log line with this sentence. */
      async url(sentence: string): Promise<string> {
        for (let round = 0; round < 600; round++) {
          const line = printed.stderr.split('\n').find((text) => text.includes(sentence));
          const url = /"url":"([^"]+)"/.exec(line ?? '')?.[1];
          if (url) return url;
          assert.equal(child.exitCode, null, printed.stderr);
          await sleep(50);
        }
        assert.fail(printed.stderr);
      },
    };
  }

  it('migrate ends by itself, and token prints one that opens the API', async () => {
    assert.equal(await start(['migrate']).code(), 0);
    const made = start(['token', 'acme']);
    assert.equal(await made.code(), 0, made.printed.stderr);
    const token = made.printed.stdout.trim();

    const api = start(['serve'], { EVE_WORKER: 'false' });
    const url = await api.url('Eve is ready');
    const { data } = await eveClient({ url, token }).listProjects();
    api.child.kill('SIGTERM');

    assert.match(token, /^eve_[\w-]+$/);
    assert.deepEqual(data, []);
    assert.equal(await api.code(), 0);
  });

  it('work tells of its health, and ends on SIGTERM within seconds', async () => {
    const worker = start(['work'], { EVE_HEALTH_LISTEN: '127.0.0.1:0', EVE_WORK_GRACE: '0' });
    const url = await worker.url('health is told');
    const [live, ready] = await Promise.all(['live', 'ready'].map((what) => fetch(`${url}/health/${what}`)));
    const began = performance.now();
    worker.child.kill('SIGTERM');

    assert.equal(await worker.code(), 0, worker.printed.stderr);
    assert.deepEqual([live?.status, ready?.status], [200, 200]);
    assert.ok(performance.now() - began < 10_000);
  });

  it('says what there is for anything else', async () => {
    const wrong = start(['serve', 'now']);

    assert.equal(await wrong.code(), 2);
    assert.match(wrong.printed.stderr, /serve \| work \| migrate \| token/);
  });
});
