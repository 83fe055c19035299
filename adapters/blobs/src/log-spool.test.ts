import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import type { NewLogLine } from '@eve/operations';
import { directoryLogSpool } from './log-spool.ts';

let directory = '';

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'eve-spool-test-'));
});

after(() => rm(directory, { recursive: true, force: true }));

function line(text: string): NewLogLine {
  const about = { attempt: 1, service: 'web', step: null, stream: 'stdout', level: 'info', code: null } as const;
  return { ...about, at: new Date('2026-03-01T12:00:00.123Z'), text };
}

it('gives batches back as they came, first in, first out, and leaves no file', async () => {
  await using lines = await directoryLogSpool({ directory, maxBytes: 1_000_000 }).open();
  await lines.push([line('one'), line('zwö')]);
  await lines.push([line('three')]);

  assert.equal(lines.waiting, 2);
  assert.deepEqual(await lines.take(), [line('one'), line('zwö')]);
  await lines.push([line('four')]);
  assert.deepEqual(
    [await lines.take(), await lines.take(), await lines.take()],
    [[line('three')], [line('four')], null],
  );
  assert.deepEqual(await readdir(directory), []);
});

it('refuses what does not fit, and has room again once it is empty', async () => {
  await using lines = await directoryLogSpool({ directory, maxBytes: 1_000 }).open();

  assert.equal(await lines.push([line('x'.repeat(600))]), true);
  assert.equal(await lines.push([line('x'.repeat(600))]), false);
  await lines.take();
  assert.equal(await lines.push([line('x'.repeat(600))]), true);
});
