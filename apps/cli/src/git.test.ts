import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { commit, git, repositoryWith } from '../testing/repository.ts';
import { scratch } from '../testing/run-eve.ts';
import { openRepository } from './git.ts';

describe('a working copy', () => {
  it('packs one commit so that another repository can check it out without its history', async () => {
    await using place = await scratch();
    const first = await repositoryWith(join(place.path, 'app'), { 'a.txt': 'old', 'deep/b.txt': 'b' });
    const second = await commit(join(place.path, 'app'), { 'a.txt': 'new' }, 'Second');

    const repository = await openRepository(join(place.path, 'app', 'deep'));
    const chunks = await collect(repository.pack(second));
    await git(place.path, 'init', '--quiet', '--bare', 'other.git');
    const other = join(place.path, 'other.git');
    await writeFile(join(other, 'shallow'), `${second}\n`);
    const reader = spawn('git', ['-C', other, 'index-pack', '--stdin', '--strict'], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    reader.stdin.end(Buffer.concat(chunks));
    const [code] = await once(reader, 'close');

    assert.equal(code, 0);
    assert.equal(await git(other, 'show', `${second}:a.txt`), 'new');
    assert.equal(await git(other, 'show', `${second}:deep/b.txt`), 'b');
    await assert.rejects(git(other, 'cat-file', '-e', first));
  });

  it('fails when a pack cannot be made', async () => {
    await using place = await scratch();
    await repositoryWith(place.path, { a: 'a' });

    const repository = await openRepository(place.path);

    await assert.rejects(collect(repository.pack('0'.repeat(40))), { code: 'git_failed' });
  });

  it('finds the commit of a branch, a short id and an id in capitals', async () => {
    await using place = await scratch();
    const sha = await repositoryWith(place.path, { a: 'a' });

    const repository = await openRepository(place.path);
    const found = [];
    for (const ref of ['main', 'HEAD', sha.slice(0, 8), sha.toUpperCase()]) found.push(await repository.commitOf(ref));

    assert.deepEqual(found, [sha, sha, sha, sha]);
    assert.equal(await repository.branchOf('HEAD'), 'main');
    assert.equal(await repository.branchOf(sha), null);
  });

  it('takes a ref that looks like an option for a ref', async () => {
    await using place = await scratch();
    await repositoryWith(place.path, { a: 'a' });

    const repository = await openRepository(place.path);

    await assert.rejects(repository.commitOf('--all'), { code: 'ref_not_found' });
  });

  it('names changed and new files, also with blanks in their names', async () => {
    await using place = await scratch();
    await repositoryWith(place.path, { a: 'a' });
    await writeFile(join(place.path, 'a'), 'changed');
    await writeFile(join(place.path, 'new file'), 'n');

    const repository = await openRepository(place.path);

    assert.deepEqual(await repository.uncommitted(), ['a', 'new file']);
  });

  it('says how to get a manifest when a commit has none', async () => {
    await using place = await scratch();
    const sha = await repositoryWith(place.path, { a: 'a' });

    const repository = await openRepository(place.path);

    await assert.rejects(repository.manifestAt(sha), { code: 'manifest_missing' });
  });
});

async function collect(source: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return chunks;
}
