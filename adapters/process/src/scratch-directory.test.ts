import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { scratchDirectory } from './scratch-directory.ts';

it('makes directories for us only and removes those of processes that died', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'eve-scratch-'));
  const dead = `build-${2 ** 22 + 1}-abc-Xy12`;
  const before = `build-${process.pid}-abc-Xy12`;
  const others = [`build-1-abc-Xy12`, 'something'];
  for (const name of [dead, before, ...others]) await mkdir(join(parent, name));

  const first = await scratchDirectory(parent, 'build');
  const second = await scratchDirectory(parent, 'build');

  const left = await readdir(parent);
  assert.equal(left.length, 4);
  assert.ok(others.every((name) => left.includes(name)));
  assert.notEqual(first, second);
  assert.equal((await stat(first)).mode & 0o777, 0o700);
  await rm(parent, { recursive: true });
});
