import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { access, chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { BuildFailed, PlatformError } from '@eve/domain';
import type { Repository, Source } from '@eve/operations';

export interface SourceUnderTest extends AsyncDisposable {
  readonly source: Source;
  /** Makes a bare repository in a directory of ours readable through the source. */
  publish(bareDirectory: string): Promise<Repository>;
  /** A repository of the same kind that does not exist. */
  readonly unknown: Repository;
}

const cloneError = (error: unknown) => {
  assert(error instanceof BuildFailed);
  assert.equal(error.failure.code, 'clone_error');
  return true;
};
const never = new AbortController().signal;
const run = promisify(execFile);

/** What every source must do, on real repositories. */
export function testSource(name: string, open: () => Promise<SourceUnderTest>): void {
  describe(`the source ${name}`, { timeout: 120_000 }, () => {
    let under: SourceUnderTest;
    let directory: string;
    let bare: string;
    let repository: Repository;
    let shas: { first: string; between: string; second: string };

    const git = async (...args: string[]) => {
      const env = { PATH: process.env.PATH, HOME: directory, GIT_CONFIG_NOSYSTEM: '1' };
      const { stdout } = await run('git', ['-c', 'user.name=a', '-c', 'user.email=a@b.example', ...args], {
        cwd: join(directory, 'work'),
        env,
      });
      return stdout.trim();
    };

    before(async () => {
      under = await open();
      directory = await mkdtemp(join(tmpdir(), 'eve-source-contract-'));
      const work = join(directory, 'work');
      bare = join(directory, 'bare.git');
      await mkdir(join(work, 'app'), { recursive: true });
      await git('init', '--quiet', '-b', 'main');
      await writeFile(join(work, 'app', 'run.sh'), '#!/bin/sh\n');
      await chmod(join(work, 'app', 'run.sh'), 0o755);
      await symlink('/etc/passwd', join(work, 'out'));
      await symlink('app/run.sh', join(work, 'in'));
      await git('add', '.');
      await git('commit', '--quiet', '-m', 'First\n\nwith a body', '--date', '2025-01-02T03:04:05Z');
      const first = await git('rev-parse', 'HEAD');
      await git('tag', '-a', '-m', 'one', 'v1');
      await git('commit', '--quiet', '--allow-empty', '-m', 'Between');
      const between = await git('rev-parse', 'HEAD');
      await writeFile(join(work, 'second.txt'), 'two\n');
      await git('add', '.');
      await git('commit', '--quiet', '-m', 'Second');
      const second = await git('rev-parse', 'HEAD');
      await git('branch', 'feature/x', first);
      await git('clone', '--quiet', '--bare', work, bare);
      await run('git', ['-C', bare, 'update-server-info']);
      shas = { first, between, second };
      repository = await under.publish(bare);
    });
    after(async () => {
      await under?.[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    });
    const packOf = async (sha: string, objects: (all: string[]) => string[] = (all) => all) => {
      const tree = (await git('ls-tree', '-r', '-t', '--format=%(objectname)', sha)).split('\n');
      const all = [sha, await git('rev-parse', `${sha}^{tree}`), ...tree];
      const list = join(directory, 'objects');
      await writeFile(list, `${objects(all).join('\n')}\n`);
      await run('sh', ['-c', 'git pack-objects --quiet --stdout < "$1" > "$2"', 'sh', list, join(directory, 'pack')], {
        cwd: join(directory, 'work'),
      });
      return readFile(join(directory, 'pack'));
    };
    const chunks = async function* (bytes: Uint8Array) {
      for (let at = 0; at < bytes.length; at += 100) yield bytes.subarray(at, at + 100);
    };

    it('finds the commits of branches, tags and HEAD', async () => {
      const resolve = (ref: string) => under.source.resolveRef(repository, ref, never);

      assert.equal(await resolve('main'), shas.second);
      assert.equal(await resolve('HEAD'), shas.second);
      assert.equal(await resolve('feature/x'), shas.first);
      assert.equal(await resolve('v1'), shas.first);
      assert.equal(await resolve('refs/tags/v1'), shas.first);
      assert.equal(await resolve('a'.repeat(40)), 'a'.repeat(40));
    });

    it('says of what is no ref that it is none', async () => {
      for (const ref of ['nowhere', '--upload-pack=x', 'a b', 'x*', shas.first.slice(0, 10)])
        await assert.rejects(under.source.resolveRef(repository, ref, never), { code: 'ref_not_found' });
    });

    it('checks out exactly the commit, without the history, and says what it does', async () => {
      const said: string[] = [];

      await using workspace = await under.source.checkout(
        { repository, sha: shas.first, pack: null },
        (step, text) => said.push(`${step}: ${text}`),
        never,
      );

      assert.deepEqual((await readdir(workspace.directory)).sort(), ['app', 'in', 'out']);
      assert.equal(workspace.commitMessage, 'First\n\nwith a body');
      assert.ok(Math.abs(workspace.commitTime.getTime() - Date.now()) < 600_000);
      assert.match(said[0] ?? '', /^clone: Cloning \S/);
      assert.equal(said[1], `checkout: Checking out ${shas.first.slice(0, 8)}`);
      assert.match(said[2] ?? '', /^workspace: Workspace ready: 3 files, \d+ bytes$/);
    });

    it('checks out a commit that no branch and no tag names', async () => {
      const commit = { repository, sha: shas.between, pack: null };

      await using workspace = await under.source.checkout(commit, () => {}, never);

      assert.equal(workspace.commitMessage, 'Between');
    });

    it('reads files below the root only', async () => {
      await using workspace = await under.source.checkout(
        { repository, sha: shas.second, pack: null },
        () => {},
        never,
      );

      assert.equal(new TextDecoder().decode((await workspace.readFile('second.txt', 10)) ?? undefined), 'two\n');
      assert.equal(await workspace.kindOf('app'), 'directory');
      assert.equal(await workspace.kindOf('in'), 'file');
      for (const path of ['out', '../../etc/passwd', '/../etc/passwd', 'nowhere', 'app/../../..']) {
        assert.equal(await workspace.readFile(path, 10_000), null);
        assert.equal(await workspace.kindOf(path), null);
      }
      await assert.rejects(workspace.readFile('second.txt', 3), RangeError);
    });

    it('removes the workspace when it is disposed of', async () => {
      const workspace = await under.source.checkout({ repository, sha: shas.second, pack: null }, () => {}, never);

      await workspace[Symbol.asyncDispose]();

      await assert.rejects(access(workspace.directory), { code: 'ENOENT' });
    });

    it('takes a commit from an uploaded pack, without its parents', async () => {
      const pack = chunks(await packOf(shas.second));

      await using workspace = await under.source.checkout(
        { repository: null, sha: shas.second, pack },
        () => {},
        never,
      );

      assert.ok((await readdir(workspace.directory)).includes('second.txt'));
      assert.equal(workspace.commitMessage, 'Second');
    });

    it('refuses a pack that is broken, lacks objects or holds another commit', async () => {
      const whole = await packOf(shas.second);
      const lacking = await packOf(shas.second, (all) => all.slice(0, -1));
      const broken = Buffer.from(whole);
      broken.writeUInt8(broken.readUInt8(broken.length >> 1) ^ 0xff, broken.length >> 1);

      for (const [sha, bytes] of [
        [shas.second, lacking],
        [shas.second, broken],
        [shas.second, whole.subarray(0, whole.length - 30)],
        [shas.first, whole],
      ] as const) {
        const pack = chunks(bytes);
        await assert.rejects(
          under.source.checkout({ repository, sha, pack }, () => {}, never),
          cloneError,
        );
      }
    });

    it('says that a commit is not there', async () => {
      const sha = '0123456789'.repeat(4);

      await assert.rejects(
        under.source.checkout({ repository, sha, pack: null }, () => {}, never),
        (error: unknown) => {
          assert(error instanceof BuildFailed);
          assert.equal(error.failure.code, 'clone_error');
          assert.match(error.message, new RegExp(`commit ${sha} is not in`));
          return true;
        },
      );
    });

    it('says that a repository is not there', async () => {
      const checkout = { repository: under.unknown, sha: shas.first, pack: null };

      await assert.rejects(
        under.source.checkout(checkout, () => {}, never),
        cloneError,
      );
      await assert.rejects(under.source.resolveRef(under.unknown, 'main', never), PlatformError);
    });

    it('ends when the signal does', async () => {
      const reason = new Error('enough');
      const signal = AbortSignal.abort(reason);

      await assert.rejects(under.source.resolveRef(repository, 'main', signal), reason);
      await assert.rejects(
        under.source.checkout({ repository, sha: shas.first, pack: null }, () => {}, signal),
        reason,
      );
    });

    for (const url of ['--upload-pack=touch /tmp/x', 'ext::sh -c id', 'ftp://h/x', 'git://h/x', 'https://h/\nx', ''])
      it(`refuses the URL ${JSON.stringify(url)}`, async () => {
        await assert.rejects(under.source.resolveRef({ ...repository, url }, 'main', never), {
          code: 'source_refused',
        });
      });
  });
}
