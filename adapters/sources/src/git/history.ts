import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PlatformError } from '@eve/domain';
import type { Commit, Source } from '@eve/operations';
import type { Access } from './access.ts';
import { lookupError } from './failure.ts';
import { fetchCommit, type Git, indexPack, requireCommit } from './fetch-commit.ts';

type History = Awaited<ReturnType<Source['commits']>>;

/** Of a longer message this is kept, and of all messages together so much of the newest. */
const maxMessageLength = 20_000;
const maxHistoryBytes = 16_777_216;
const maxCommits = 10_000;

/** Reads commits into an empty directory: no trees and no files where the server can leave them out, and no more depth than asked. */
export async function readHistory(
  git: Git,
  access: Access,
  pack: AsyncIterable<Uint8Array> | null,
  { from, to, limit }: { from: string | null; to: string; limit: number },
  { directory, maxPackBytes }: { directory: string; maxPackBytes: number | undefined },
): Promise<History> {
  const fail = (stderr: string) => failed(stderr, access, to);
  const must = async (args: readonly string[], more: Parameters<Git>[1] = {}) => {
    const output = await git(args, { maxCapturedBytes: maxHistoryBytes, ...more });
    if (output.code !== 0) throw fail(output.stderr);
    return output;
  };
  const wanted = Math.max(1, Math.min(limit, maxCommits));
  await must(['init', '--quiet', '--bare', '--template=', '--', '.']);
  if (pack) await takePack(git, must, pack, { to, directory, maxPackBytes, fail });
  else await fetchCommit(git, access, to, { depth: wanted + 1, filter: 'tree:0', fail });

  // From now on git reaches nothing: it would fetch what was left out as soon as it is named.
  const env = { ...access.env, GIT_ALLOW_PROTOCOL: 'none', GIT_NO_LAZY_FETCH: '1' };
  const reaches = from !== null && (await git(['merge-base', '--is-ancestor', from, to], { env })).code === 0;
  // Oldest first, so that the newest stay when there is too much of it.
  const log = ['log', '-z', '--topo-order', '--reverse', '--no-show-signature', '--format=%H%n%ct%n%an%n%B'];
  const logged = await must([...log, `--max-count=${wanted + 1}`, to, ...(reaches ? [`^${from}`] : []), '--'], { env });
  const records = logged.stdout.split('\0').slice(logged.truncated ? 1 : 0);
  const all = records.map(parseCommit).filter((commit) => commit !== null);
  const commits = all.reverse().slice(0, wanted);
  const cut = await shallowCommits(directory);
  const whole = !logged.truncated && all.length <= wanted && !commits.some(({ sha }) => cut.has(sha));
  return { commits, complete: whole && (from === null || reaches) };
}

/** The parents of some of a pack's commits are not in it, and need not be. */
async function takePack(
  git: Git,
  must: Git,
  pack: AsyncIterable<Uint8Array>,
  more: { to: string; directory: string; maxPackBytes: number | undefined; fail: (stderr: string) => Error },
): Promise<void> {
  await indexPack(git, pack, { maxPackBytes: more.maxPackBytes, check: '--fsck-objects' });
  await requireCommit(git, more.to, more.fail);
  const held = new Set<string>();
  await git(['cat-file', '--batch-all-objects', '--unordered', '--batch-check=%(objecttype) %(objectname)'], {
    onLine: (stream, line) => {
      if (stream === 'stdout' && line.startsWith('commit ') && held.size < maxCommits) held.add(line.slice(7));
    },
  });
  const list = async function* () {
    yield new TextEncoder().encode([...held].join('\n'));
  };
  const { stdout } = await must(['rev-list', '--no-walk=unsorted', '--parents', '--stdin'], { input: list() });
  const ends = stdout
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, ...parents]) => parents.some((parent) => !held.has(parent)))
    .map(([sha]) => sha);
  if (ends.length > 0) await writeFile(join(more.directory, 'shallow'), `${ends.join('\n')}\n`);
}

/** Those whose parents were left out. */
async function shallowCommits(directory: string): Promise<Set<string>> {
  const text = await readFile(join(directory, 'shallow'), 'utf8').catch(() => '');
  return new Set(text.split('\n').filter(Boolean));
}

function parseCommit(record: string): Commit | null {
  const [, sha, seconds, author = '', message = ''] =
    /^([a-f0-9]{40})\n(-?\d+)\n([^\n]*)\n([\s\S]*)$/.exec(record) ?? [];
  if (sha === undefined) return null;
  const at = new Date(Number(seconds) * 1000);
  return {
    sha,
    author: author.slice(0, 200),
    at: Number.isNaN(at.getTime()) ? new Date(0) : at,
    message: message.trim().slice(0, maxMessageLength),
  };
}

function failed(stderr: string, access: Access, to: string): PlatformError {
  const where = access.url?.shown ?? 'the uploaded source';
  return /not our ref|couldn't find remote ref|unadvertised object|bad object/i.test(stderr)
    ? new PlatformError('ref_not_found', `The commit ${to} is not in ${where}.`)
    : lookupError(stderr, access);
}
