import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProgramOutput, RunOptions } from '@eve/adapter-process';
import { BuildFailed, buildFailure } from '@eve/domain';
import type { Access } from './access.ts';
import { checkoutError } from './failure.ts';

/** Runs git shut in, to its end. */
export type Git = (
  args: readonly string[],
  more?: Pick<RunOptions, 'cwd' | 'env' | 'input' | 'maxCapturedBytes' | 'onLine'>,
) => Promise<ProgramOutput>;

const defaultMaxPackBytes = 1_073_741_824;

/** Fetches a commit and so much of its history; only itself unless told. */
export async function fetchCommit(
  git: Git,
  access: Access,
  sha: string,
  { depth = 1, filter = null, fail }: { depth?: number; filter?: string | null; fail: (stderr: string) => Error },
): Promise<void> {
  const url = access.url?.url ?? '';
  const quietly = [
    ...['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules'],
    ...(filter === null ? [] : [`--filter=${filter}`]),
  ];
  const direct = await git([...quietly, `--depth=${depth}`, '--', url, sha]);
  if (direct.code === 0) return requireCommit(git, sha, fail);

  const shallowless = /dumb http|does not support shallow/i.test(direct.stderr);
  if (!shallowless && !/does not allow request for unadvertised object/i.test(direct.stderr)) throw fail(direct.stderr);
  // An old server gives only what its branches and tags name: ask for more of their history until it is there.
  const refs = ['+refs/heads/*:refs/remotes/eve/*', '+refs/tags/*:refs/tags/*'];
  const depths = [...new Set([depth, 100, 2_147_483_647])].sort((a, b) => a - b).filter((each) => each >= depth);
  for (const deeper of shallowless ? [[]] : depths.map((each) => [`--depth=${each}`])) {
    const fetched = await git([...quietly, ...deeper, '--', url, ...refs]);
    if (fetched.code !== 0) throw fail(fetched.stderr);
    if ((await git(['cat-file', '-e', `${sha}^{commit}`])).code === 0) return requireCommit(git, sha, fail);
  }
  throw fail('not our ref');
}

/** Takes exactly one commit from an uploaded pack, which must hold all of it. */
export async function unpack(
  git: Git,
  access: Access,
  { sha, pack, directory }: { sha: string; pack: AsyncIterable<Uint8Array>; directory: string },
  maxPackBytes?: number,
) {
  // The commit's parents are not in the pack, and need not be.
  await writeFile(join(directory, '.git', 'shallow'), `${sha}\n`);
  await indexPack(git, pack, { maxPackBytes, check: '--strict' });
  await requireCommit(git, sha, (stderr) => checkoutError(stderr, access, sha));
  const walked = await git(['rev-list', '--objects', '--quiet', sha, '--']);
  if (walked.code !== 0)
    throw new BuildFailed(
      buildFailure('clone_error', `The uploaded source lacks parts of the commit ${sha}.`, { phase: 'source' }),
    );
}

/** Reads a pack into the repository; `--strict` asks for what its objects name as well. Throws BuildFailed when it is broken or too large. */
export async function indexPack(
  git: Git,
  pack: AsyncIterable<Uint8Array>,
  {
    maxPackBytes = defaultMaxPackBytes,
    check,
  }: { maxPackBytes: number | undefined; check: '--strict' | '--fsck-objects' },
): Promise<void> {
  const indexed = await git(['index-pack', '--stdin', check, `--max-input-size=${maxPackBytes}`], { input: pack });
  if (indexed.code !== 0) {
    const said = /exceeds maximum allowed size/.test(indexed.stderr) ? 'it is too large' : 'it is not a sound git pack';
    throw new BuildFailed(
      buildFailure('clone_error', `The uploaded source cannot be used: ${said}.`, { phase: 'source' }),
    );
  }
}

/** Throws what `fail` makes when the repository does not hold exactly this commit. */
export async function requireCommit(git: Git, sha: string, fail: (stderr: string) => Error): Promise<void> {
  const found = await git(['rev-parse', '--verify', '--quiet', `${sha}^{commit}`]);
  if (found.stdout.trim() !== sha) throw fail('not our ref');
}
