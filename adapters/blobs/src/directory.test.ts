import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { parts, testBlobs } from '../testing/index.ts';
import { directoryBlobs } from './directory.ts';

async function scratch(): Promise<AsyncDisposable & { readonly directory: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'eve-blobs-test-'));
  return { directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) };
}

testBlobs('in a directory', async () => {
  const { directory, [Symbol.asyncDispose]: remove } = await scratch();
  return {
    blobs: directoryBlobs(join(directory, 'blobs')),
    assertNoHalves: async () => assert.deepEqual(await readdir(join(directory, 'blobs/.drafts')), []),
    [Symbol.asyncDispose]: remove,
  };
});

it('lets nobody else read what it keeps', async () => {
  await using place = await scratch();
  await directoryBlobs(place.directory).put('sources/p1/abc.pack', parts('x'), { maxBytes: 10 });

  assert.equal((await stat(join(place.directory, 'sources/p1/abc.pack'))).mode & 0o777, 0o600);
});

it('says that the disk is full', async (test) => {
  await using place = await scratch();
  const small = join(place.directory, 'small');
  await mkdir(small);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', small], { stdio: 'ignore' });
  } catch {
    return test.skip('mounting a small disk needs more rights');
  }
  try {
    const full = directoryBlobs(small).put('big', parts('x'.repeat(500_000)), { maxBytes: 1_000_000 });
    await assert.rejects(full, { code: 'disk_full' });
  } finally {
    execFileSync('umount', [small]);
  }
});
