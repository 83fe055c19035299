import assert from 'node:assert/strict';
import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { hasEnded, type RunningProcess, send } from '@eve/adapter-process';
import { findDockerd, findEngine, startEngine } from './engine.ts';
import { answersPing, callEngine } from './engine-api.ts';
import type { EngineLayout } from './engine-state.ts';
import { engineLayout } from './engine-state.ts';
import { findPrograms } from './programs.ts';
import { runProgram, tryProgram } from './run-program.ts';
import { stopEngine } from './stop-engine.ts';

const programs = await findPrograms({ cacheDir: '/nonexistent' });
const missing =
  process.getuid?.() !== 0 ? 'needs root' : programs.dockerd && programs.ip && programs.iptables ? false : 'no dockerd';

describe('an engine of an installation', { skip: missing, timeout: 120_000 }, () => {
  let dataDir: string;
  let layout: EngineLayout;

  before(async () => {
    dataDir = await realpath(await mkdtemp(join(tmpdir(), 'eve-engine-')));
    layout = engineLayout(dataDir);
  });
  after(async () => {
    await stopEngine(dataDir, { removeData: true });
    await rm(dataDir, { recursive: true, force: true });
  });

  const start = (mirror?: string) => startEngine({ dataDir, programs, mirror, log: () => {} });

  async function dockerd(): Promise<RunningProcess> {
    const it = await findDockerd(layout);
    assert.ok(it, 'dockerd runs');
    return it;
  }

  it('is not found before it was started', async () => {
    const found = await findEngine({ dataDir });

    assert.notEqual(found?.own, true);
  });

  it('starts with a bridge of its own and answers', async () => {
    const engine = await start();

    assert.equal(engine.own, true);
    assert.equal(await answersPing(engine.host), true);
    assert.match(await runProgram('ip', ['-brief', 'link', 'show', 'dev', layout.bridge]), new RegExp(layout.bridge));
    assert.deepEqual(await findEngine({ dataDir }), engine);
  });

  it('is taken over by a second start, which tells it of another mirror', async () => {
    const was = await dockerd();

    const engine = await start('http://127.0.0.1:5999');

    assert.deepEqual(await dockerd(), was);
    for (let attempt = 0; attempt < 50 && !(await mirrors(engine.host)).includes('127.0.0.1:5999'); attempt++);
    assert.match(await mirrors(engine.host), /127\.0\.0\.1:5999/);
  });

  it('starts again after it was killed', async () => {
    const was = await dockerd();
    send('SIGKILL', was.pid);
    await hasEnded(was, 5_000);
    assert.equal(await findEngine({ dataDir }), null);

    const engine = await start();

    assert.notEqual((await dockerd()).pid, was.pid);
    assert.equal(await answersPing(engine.host), true);
  });

  it('starts again when its pid file names a process of somebody else', async () => {
    const was = await dockerd();
    send('SIGKILL', was.pid);
    await hasEnded(was, 5_000);
    await writeFile(layout.pidFile, `${process.pid}\n`);

    const engine = await start();

    assert.equal(await answersPing(engine.host), true);
  });

  it('leaves nothing on the machine when it is stopped, and its data in place', async () => {
    const was = await dockerd();
    await callEngine(`unix://${layout.socket}`, '/networks/prune', { method: 'POST' });

    assert.equal(await stopEngine(dataDir), true);

    assert.equal(await hasEnded(was, 0), true);
    assert.notEqual((await tryProgram('ip', ['link', 'show', 'dev', layout.bridge])).code, 0);
    assert.notEqual((await tryProgram('iptables', ['-S', layout.chain])).code, 0);
    assert.doesNotMatch(await readFile('/proc/self/mountinfo', 'utf8'), new RegExp(dataDir));
    assert.match(await readFile(layout.stateFile, 'utf8'), /"process": null/);
  });

  it('is stopped for good, data included, even when it was killed before', async () => {
    await start();
    const was = await dockerd();
    send('SIGKILL', was.pid);
    await hasEnded(was, 5_000);

    await stopEngine(dataDir, { removeData: true });

    assert.equal(await stopEngine(dataDir), false);
    assert.notEqual((await tryProgram('ip', ['link', 'show', 'dev', layout.bridge])).code, 0);
  });
});

it('says so when the engine that was asked for does not answer', async () => {
  await assert.rejects(findEngine({ dataDir: tmpdir(), dockerHost: 'unix:///nonexistent.sock' }), {
    code: 'engine_unavailable',
  });
});

async function mirrors(host: string): Promise<string> {
  return /"Mirrors":\[[^\]]*\]/.exec((await callEngine(host, '/info')).body)?.[0] ?? '';
}
