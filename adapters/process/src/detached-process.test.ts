import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { runningFrom, startDetached, stopDetached } from './detached-process.ts';
import { hasEnded, isRunning, pidFrom, processOf } from './running-process.ts';

describe('a detached process', () => {
  let directory = '';
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'eve-detached-'));
  });
  after(() => rm(directory, { recursive: true, force: true }));
  const place = (name: string) => ({
    pidFile: join(directory, `${name}.pid`),
    logFile: join(directory, `${name}.log`),
  });

  it('is found by its pid file, and ended with it', async () => {
    const { pidFile, logFile } = place('sleeper');

    const started = await startDetached('sleep', ['60'], { pidFile, logFile });
    assert.deepEqual(await runningFrom(pidFile), started);
    assert.deepEqual((await processOf(started.pid))?.command, ['sleep', '60']);
    await stopDetached(pidFile, 5_000);

    assert.equal(await hasEnded(started, 0), true);
    await assert.rejects(readFile(pidFile), { code: 'ENOENT' });
  });

  it('is killed when it does not end by itself', async () => {
    const { pidFile, logFile } = place('stubborn');
    const started = await startDetached('sh', ['-c', 'trap "" TERM; echo deaf; while :; do sleep 0.1; done'], {
      pidFile,
      logFile,
    });
    while (!(await readFile(logFile, 'utf8')).includes('deaf'));

    await stopDetached(pidFile, 200);

    assert.equal(await hasEnded(started, 2_000), true);
  });

  it('gets nothing of our environment', async () => {
    const { pidFile, logFile } = place('printer');

    const started = await startDetached('env', [], { pidFile, logFile, variables: { ONLY: 'this' } });
    assert.equal(await hasEnded(started, 5_000), true);

    assert.match(await readFile(logFile, 'utf8'), /^PATH=\S+\nONLY=this\n$/);
  });

  it('is not taken for another process that got its pid', async () => {
    const { pidFile } = place('reused');
    const self = await processOf(process.pid);
    await writeFile(pidFile, JSON.stringify({ pid: process.pid, startTime: '1' }));

    assert.equal(await runningFrom(pidFile), null);
    assert.equal(await isRunning({ pid: process.pid, startTime: '1' }), false);
    assert.equal(self !== null && (await isRunning(self)), true);
  });

  it('has a number in a pid file only when that is one', async () => {
    const { pidFile } = place('number');
    await writeFile(pidFile, '4711\n');

    assert.equal(await pidFrom(pidFile), 4711);
    assert.equal(await pidFrom(join(directory, 'missing')), null);
  });
});
