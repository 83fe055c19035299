import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProgramMissing, startProgram } from './program.ts';
import { ProgramFailed, pickVariables, runProgram, tryProgram } from './run-program.ts';

const sh = (script: string) => ({ file: '/bin/sh', args: ['-c', script] });

function alive(marker: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return (
          readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(marker) &&
          !/\) Z /.test(readFileSync(`/proc/${name}/stat`, 'utf8'))
        );
      } catch {
        return false;
      }
    })
    .map(Number);
}

async function gone(marker: string): Promise<boolean> {
  for (let tries = 0; tries < 60; tries += 1) {
    if (alive(marker).length === 0) return true;
    await sleep(50);
  }
  return false;
}

describe('running a program', () => {
  it('answers with both streams and gives whole lines as they come', async () => {
    const lines: string[] = [];

    const output = await runProgram({
      ...sh('printf par; sleep 0.05; printf "tial\\r\\nlast"; echo oops >&2'),
      onLine: (stream, line) => lines.push(`${stream} ${line}`),
    });

    assert.equal(output.stdout, 'partial\r\nlast');
    assert.deepEqual(lines.sort(), ['stderr oops', 'stdout last', 'stdout partial']);
  });

  it('passes arguments as they are and an environment that is said in full', async () => {
    const output = await runProgram({ file: 'env', args: [], env: { ONLY: "$(id) 'x'" } });

    assert.match(output.stdout, /^ONLY=\$\(id\) 'x'$/m);
    assert.doesNotMatch(output.stdout, /^HOME=/m);
  });

  it('keeps the end of an output that is too long', async () => {
    const output = await runProgram({ ...sh('seq 1 20000'), maxCapturedBytes: 100 });

    assert.equal(output.stdout.length, 100);
    assert.match(output.stdout, /20000\n$/);
    assert.equal(output.truncated, true);
  });

  it('writes its input and survives a program that does not read it', async () => {
    const input = (async function* () {
      for (let count = 0; count < 100; count += 1) yield Buffer.alloc(10_000, 'x');
    })();

    const counted = await runProgram({ file: 'wc', args: ['-c'], input });
    const ignored = await runProgram({
      ...sh('exec 0<&-; sleep 0.1; echo ok'),
      input: (async function* () {
        for (let count = 0; count < 100; count += 1) yield Buffer.alloc(10_000, 'x');
      })(),
    });

    assert.equal(counted.stdout.trim(), '1000000');
    assert.equal(ignored.stdout, 'ok\n');
  });

  it('fails with the code and the output', async () => {
    await assert.rejects(runProgram(sh('echo why >&2; exit 3')), (error: unknown) => {
      assert(error instanceof ProgramFailed);
      assert.equal(error.output.code, 3);
      assert.equal(error.output.stderr, 'why\n');
      return true;
    });
  });

  it('tells a program that is missing from one that fails', async () => {
    await assert.rejects(tryProgram({ file: '/nowhere/program', args: [] }), ProgramMissing);
    await assert.rejects(tryProgram({ file: '/nowhere/program', args: [], dieWithParent: false }), ProgramMissing);
  });

  it('ends the whole group when the signal aborts, also a program that ignores TERM', async () => {
    const marker = `7${process.pid}1.25`;
    const reason = new Error('enough');
    const controller = new AbortController();
    const ended = tryProgram({
      ...sh(`trap "" TERM; sleep ${marker} & sleep ${marker}; sleep ${marker}`),
      signal: controller.signal,
      graceMs: 200,
    });
    await sleep(300);
    assert.ok(alive(marker).length > 0);

    controller.abort(reason);

    await assert.rejects(ended, reason);
    assert.equal(await gone(marker), true);
  });

  it('ends what a program leaves behind in its group', async () => {
    const marker = `7${process.pid}2.25`;

    await runProgram(sh(`sleep ${marker} & echo started`));

    assert.equal(await gone(marker), true);
  });

  it('dies with its parent', async () => {
    const marker = `7${process.pid}3.25`;
    const module = new URL('./program.ts', import.meta.url).href;
    const script = `const { startProgram } = await import(${JSON.stringify(module)}); await startProgram({ file: 'sleep', args: ['${marker}'] }); console.log('up'); setInterval(() => {}, 1000);`;
    const parent = await startProgram({ file: process.execPath, args: ['--input-type=module', '-e', script] });
    await new Promise((resolve) => parent.stdout.once('data', resolve));
    for (let tries = 0; tries < 40 && !alive(`sleep\0${marker}`).length; tries += 1) await sleep(25);
    assert.ok(alive(`sleep\0${marker}`).length > 0);

    process.kill(parent.pid, 'SIGKILL');

    await parent.ended;
    assert.equal(await gone(marker), true);
  });

  it('hands on only the named variables that are set', () => {
    assert.deepEqual(pickVariables({ A: '1', B: '2', C: undefined }, ['A', 'C', 'D']), { A: '1' });
  });
});
