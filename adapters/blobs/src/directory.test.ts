import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import type { Blobs } from '@eve/operations';
import { directoryBlobs } from './directory.ts';

const limits = { maxBytes: 1_000_000 };
let directory = '';
let blobs: Blobs;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'eve-blobs-test-'));
  blobs = directoryBlobs(join(directory, 'blobs'));
});

after(() => rm(directory, { recursive: true, force: true }));

async function* parts(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

async function collect(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = [];
  for await (const part of bytes) all.push(part);
  return Buffer.concat(all).toString();
}

async function textOf(key: string): Promise<string | null> {
  const bytes = await blobs.get(key);
  return bytes && collect(bytes);
}

it('gives back what was put, and says its size and hash', async () => {
  const written = await blobs.put('sources/p1/abc.pack', parts('one ', 'two'), limits);

  assert.deepEqual(written, { sizeBytes: 7, sha256: createHash('sha256').update('one two').digest('hex') });
  assert.equal(await textOf('sources/p1/abc.pack'), 'one two');
  assert.equal(await blobs.has('sources/p1/abc.pack'), true);
  assert.equal((await stat(join(directory, 'blobs/sources/p1/abc.pack'))).mode & 0o777, 0o600);
});

it('gives a part of what was put, and less where it ends before', async () => {
  await blobs.put('ranged', parts('0123456789'.repeat(100_000)), limits);
  const read = async (start: number, end: number) => collect((await blobs.get('ranged', { start, end }))!);

  assert.equal(await read(13, 17), '3456');
  assert.equal((await read(5, 700_005)).length, 700_000);
  assert.equal(await read(999_998, 2_000_000), '89');
  assert.equal(await read(2_000_000, 2_000_001), '');
  assert.equal(await blobs.get('missing', { start: 0, end: 1 }), null);
});

it('deletes what is below a prefix, and nothing beside it', async () => {
  for (const key of ['logs/a/1', 'logs/a/2', 'logs/ab/1']) await blobs.put(key, parts('x'), limits);

  await blobs.deleteBelow('logs/a');
  await blobs.deleteBelow('logs/a');

  assert.deepEqual(await Promise.all(['logs/a/1', 'logs/a/2', 'logs/ab/1'].map(blobs.has)), [false, false, true]);
  await assert.rejects(blobs.deleteBelow('../x'), { code: 'request_invalid' });
});

it('lists what is below a prefix with size and time, and nothing beside it', async () => {
  const before = Date.now() - 1000;
  for (const key of ['listed/a', 'listed/deep/er/b', 'listedtoo/c']) await blobs.put(key, parts('four'), limits);

  const found: { key: string; sizeBytes: number; modifiedAt: Date }[] = [];
  for await (const each of blobs.list('listed')) found.push(each);

  assert.deepEqual(found.map(({ key }) => key).sort(), ['listed/a', 'listed/deep/er/b']);
  assert.ok(found.every(({ sizeBytes, modifiedAt }) => sizeBytes === 4 && modifiedAt.getTime() > before));
  for await (const { key } of blobs.list('never-put')) assert.fail(key);
  assert.throws(() => blobs.list('../x'), { code: 'request_invalid' });
});

it('has nothing where nothing was put, or what was put is deleted', async () => {
  await blobs.put('gone', parts('x'), limits);
  await blobs.delete('gone');
  await blobs.delete('gone');

  assert.equal(await blobs.get('gone'), null);
  assert.equal(await blobs.has('gone'), false);
  assert.equal(await blobs.get('sources/p1/abc.pack/below'), null);
});

it('keeps the old bytes when new ones are too many or break off', async () => {
  await blobs.put('kept', parts('old'), limits);

  await assert.rejects(blobs.put('kept', parts('new', 'er'), { maxBytes: 4 }), { code: 'body_too_large' });
  const broken = async function* () {
    yield Buffer.from('half');
    throw new Error('connection lost');
  };
  await assert.rejects(blobs.put('kept', broken(), limits), /connection lost/);

  assert.equal(await textOf('kept'), 'old');
  assert.deepEqual(await readdir(join(directory, 'blobs/.drafts')), []);
});

it('gives a reader the whole of what it began to read, while another is put or it is deleted', async () => {
  await blobs.put('read', parts('first'), limits);
  const reading = await blobs.get('read');
  await blobs.put('read', parts('second'), limits);
  await blobs.delete('read');

  assert.equal(await collect(reading!), 'first');
});

for (const key of [
  '',
  '/etc/passwd',
  '../up',
  'a/../../up',
  'a//b',
  '.drafts/x',
  'a/./b',
  'a\0b',
  'a\\b/c',
  `a/${'x'.repeat(300)}`,
]) {
  it(`refuses the key ${JSON.stringify(key.slice(0, 20))}`, async () => {
    await assert.rejects(blobs.put(key, parts('x'), limits), { code: 'request_invalid' });
    await assert.rejects(blobs.get(key), { code: 'request_invalid' });
  });
}

it('says that the disk is full', async (test) => {
  const small = join(directory, 'small');
  await mkdir(small);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', small], { stdio: 'ignore' });
  } catch {
    return test.skip('mounting a small disk needs more rights');
  }
  try {
    const full = directoryBlobs(small).put('big', parts('x'.repeat(500_000)), limits);
    await assert.rejects(full, { code: 'disk_full' });
  } finally {
    execFileSync('umount', [small]);
  }
});
