import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { CommandFailed } from './failure.ts';

const manifestPath = '.eve/manifest.yaml';

/** A git working copy on this machine. */
export interface Repository {
  readonly root: string;
  /** The commit behind a branch, tag or id. */
  commitOf(ref: string): Promise<string>;
  /** The branch that a ref names, or that HEAD is on. */
  branchOf(ref: string): Promise<string | null>;
  /** Files that differ from HEAD, new ones too. */
  uncommitted(): Promise<string[]>;
  /** The manifest of a commit, byte for byte. */
  manifestAt(sha: string): Promise<string>;
  /** A pack of one commit with everything in it, but not its history. */
  pack(sha: string, signal?: AbortSignal): AsyncGenerator<Uint8Array>;
}

/** Opens the repository that a directory is in. */
export async function openRepository(directory: string): Promise<Repository> {
  const place = resolve(directory);
  const answer = await git(place, ['rev-parse', '--show-toplevel']).catch((error: unknown) => {
    throw new CommandFailed(`${place} is in no git repository${reasonOf(error)}.`, {
      code: 'repository_missing',
      advice: ['Run `git init` and commit your work, or name a repository with --repo-dir.'],
    });
  });
  const root = await realpath(answer.trimEnd());
  return {
    root,
    commitOf: (ref) => commitOf(root, ref),
    branchOf: (ref) => branchOf(root, ref),
    uncommitted: () => uncommitted(root),
    manifestAt: (sha) => manifestAt(root, sha),
    pack: (sha, signal) => pack(root, sha, signal),
  };
}

async function commitOf(root: string, ref: string): Promise<string> {
  for (const name of [ref, `refs/remotes/origin/${ref}`]) {
    const found = await git(root, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`]).catch(
      () => null,
    );
    if (found !== null) return found.trim();
  }
  const head = await git(root, ['rev-parse', '--verify', '--quiet', 'HEAD']).catch(() => null);
  throw new CommandFailed(`${root} has no branch, tag or commit "${ref}".`, {
    code: 'ref_not_found',
    exitCode: 3,
    advice: [
      head === null ? 'It has no commit yet: commit your work first.' : 'See `git branch --all`, or `git fetch` first.',
    ],
  });
}

async function branchOf(root: string, ref: string): Promise<string | null> {
  if (ref === 'HEAD') {
    const name = await git(root, ['symbolic-ref', '--quiet', '--short', 'HEAD']).catch(() => '');
    return name.trim() || null;
  }
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `refs/heads/${ref}`];
  return git(root, args).then(
    () => ref,
    () => null,
  );
}

async function uncommitted(root: string): Promise<string[]> {
  const status = await git(root, ['--no-optional-locks', 'status', '--porcelain=v1', '-z', '--no-renames']);
  return status
    .split('\0')
    .map((entry) => entry.slice(3))
    .filter((file) => file !== '' && file !== '.eve/project.json');
}

async function manifestAt(root: string, sha: string): Promise<string> {
  try {
    return await git(root, ['show', `${sha}:${manifestPath}`]);
  } catch {
    const isWritten = existsSync(join(root, manifestPath));
    throw new CommandFailed(`Commit ${sha.slice(0, 8)} of ${root} has no ${manifestPath}.`, {
      code: 'manifest_missing',
      advice: [
        `${isWritten ? 'It is written but not in this commit' : 'Write one with `eve init`, then commit it'}: git add ${manifestPath} && git commit`,
      ],
    });
  }
}

async function* pack(root: string, sha: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const list = spawn('git', ['-C', root, 'rev-list', '--objects', '--no-walk', '--end-of-options', sha], {
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  });
  const packer = spawn('git', ['-C', root, 'pack-objects', '--stdout', '--quiet', '--delta-base-offset'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    signal,
  });
  const ended = Promise.all([endOf(list, 'rev-list'), endOf(packer, 'pack-objects')]);
  // Awaited below; until then a failure is no unhandled one.
  ended.catch(() => {});
  packer.stdin.on('error', () => {});
  list.stdout.pipe(packer.stdin);
  try {
    yield* packer.stdout;
    await ended;
  } finally {
    list.kill();
    packer.kill();
  }
}

async function endOf(child: ReturnType<typeof spawn>, name: string): Promise<void> {
  let complaint = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-500);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) {
    throw new CommandFailed(`git ${name} failed${complaint.trim() ? `: ${complaint.trim()}` : '.'}`, {
      code: 'git_failed',
    });
  }
}

async function git(directory: string, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('git', ['-C', directory, ...args], { maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if ('code' in error && error.code === 'ENOENT') return ': the program git is not installed';
  const said = 'stderr' in error ? String(error.stderr).trim() : '';
  return /dubious ownership|cannot change to/.test(said) ? `: ${said.split('\n')[0]}` : '';
}
