import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { Repository } from '@eve/operations';
import type { SourceUnderTest } from './source-contract.ts';

const never = new AbortController().signal;
const run = promisify(execFile);

/** What every source must tell of a repository's history. */
export function testSourceHistory(name: string, open: () => Promise<SourceUnderTest>): void {
  describe(`the history that ${name} reads`, { timeout: 120_000 }, () => {
    let under: SourceUnderTest;
    let directory: string;
    let repository: Repository;
    const shas: Record<string, string> = {};

    const git = async (...args: string[]) => {
      const env = { PATH: process.env.PATH, HOME: directory, GIT_CONFIG_NOSYSTEM: '1' };
      const who = ['-c', 'user.name=Ann Other', '-c', 'user.email=a@b.example'];
      const { stdout } = await run('git', [...who, ...args], { cwd: join(directory, 'work'), env });
      return stdout.trim();
    };
    const commit = async (name: string, message: string) => {
      await git('commit', '--quiet', '--allow-empty', '--cleanup=verbatim', '-m', message);
      shas[name] = await git('rev-parse', 'HEAD');
    };
    const sha = (name: string) => shas[name] as string;
    const read = (over: { from?: string | null; to?: string; limit?: number; pack?: AsyncIterable<Uint8Array> }) => {
      const range = { from: null, to: sha('last'), limit: 100, ...over };
      return under.source.commits({ repository, pack: null, ...range }, never);
    };
    const subjects = ({ commits }: Awaited<ReturnType<typeof read>>) =>
      commits.map(({ message }) => message.split('\n')[0]);

    before(async () => {
      under = await open();
      directory = await mkdtemp(join(tmpdir(), 'eve-history-contract-'));
      const bare = join(directory, 'bare.git');
      await mkdir(join(directory, 'work'));
      await git('init', '--quiet', '-b', 'main');
      await commit('first', 'First');
      await commit('second', 'feat: two\n\nBREAKING CHANGE: all of it\n%H \u001b[31m\n');
      await git('checkout', '--quiet', '-b', 'side', sha('first'));
      await commit('side', 'fix: beside');
      await git('checkout', '--quiet', 'main');
      await git('merge', '--quiet', '--no-ff', '-m', 'Merge side', 'side');
      await commit('last', 'Last');
      await git('checkout', '--quiet', '-b', 'other', sha('first'));
      await commit('other', 'Elsewhere');
      await git('checkout', '--quiet', 'main');
      await git('clone', '--quiet', '--bare', '.', bare);
      await run('git', ['-C', bare, 'update-server-info']);
      await run('git', ['-C', bare, 'config', 'uploadpack.allowFilter', 'true']);
      repository = await under.publish(bare);
    });
    after(async () => {
      await under?.[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    });

    it('has the commits between two, newest first, those of merged branches too', async () => {
      const found = await read({ from: sha('second') });

      assert.deepEqual(subjects(found), ['Last', 'Merge side', 'fix: beside']);
      assert.equal(found.complete, true);
      assert.equal(found.commits[0]?.sha, sha('last'));
      assert.equal(found.commits[0]?.author, 'Ann Other');
      assert.ok(Math.abs((found.commits[0]?.at.getTime() ?? 0) - Date.now()) < 600_000);
    });

    it('has none between a commit and itself', async () => {
      assert.deepEqual(await read({ from: sha('last') }), { commits: [], complete: true });
    });

    it('has all that lead to a commit, with whole messages', async () => {
      const found = await read({ to: sha('second') });

      assert.deepEqual(subjects(found), ['feat: two', 'First']);
      assert.equal(found.commits[0]?.message, 'feat: two\n\nBREAKING CHANGE: all of it\n%H \u001b[31m');
      assert.equal(found.complete, true);
    });

    it('has all that lead to a commit when the other is no ancestor, or is unknown, and says so', async () => {
      for (const from of [sha('other'), 'ab'.repeat(20)]) {
        const found = await read({ from });

        assert.equal(found.commits.length, 5);
        assert.equal(found.complete, false);
      }
    });

    it('has no more than asked for, and says so', async () => {
      const found = await read({ limit: 2 });

      assert.deepEqual(subjects(found), ['Last', 'Merge side']);
      assert.equal(found.complete, false);
    });

    it('reads an uploaded pack as far as it reaches', async () => {
      const list = join(directory, 'objects');
      const held = [sha('last'), await git('rev-parse', `${sha('last')}^`), await git('rev-parse', 'main^{tree}')];
      await writeFile(list, `${held.join('\n')}\n`);
      await run('sh', ['-c', 'git pack-objects --quiet --stdout < "$1" > "$2"', 'sh', list, join(directory, 'pack')], {
        cwd: join(directory, 'work'),
      });
      const bytes = await readFile(join(directory, 'pack'));
      const pack = async function* () {
        yield bytes;
      };

      const whole = await read({ pack: pack() });
      const beyond = await read({ pack: pack(), from: sha('second') });

      assert.deepEqual(subjects(whole), ['Last', 'Merge side']);
      assert.equal(whole.complete, false);
      assert.deepEqual(beyond, whole);
      await assert.rejects(read({ pack: pack(), to: sha('first') }), { code: 'ref_not_found' });
    });

    it('says that a commit or a repository is not there, and refuses what is no commit', async () => {
      const range = { pack: null, from: null, limit: 10 };

      await assert.rejects(read({ to: '0123456789'.repeat(4) }), { code: 'ref_not_found', message: /is not in/ });
      await assert.rejects(read({ to: '--output=/tmp/x' }), { code: 'ref_not_found' });
      await assert.rejects(read({ from: '--all' }), { code: 'ref_not_found' });
      await assert.rejects(under.source.commits({ ...range, repository: under.unknown, to: sha('last') }, never), {
        code: /source_(?:refused|unreachable)/,
      });
    });

    it('ends when the signal does', async () => {
      const reason = new Error('enough');

      await assert.rejects(
        under.source.commits(
          { repository, pack: null, from: null, to: sha('last'), limit: 10 },
          AbortSignal.abort(reason),
        ),
        reason,
      );
    });
  });
}
