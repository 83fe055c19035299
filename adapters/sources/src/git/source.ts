import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ProgramOutput, scratchDirectory, tryProgram } from '@eve/adapter-process';
import { BuildFailed, buildFailure, isGitSha, PlatformError } from '@eve/domain';
import type { Source, SourceStep } from '@eve/operations';
import { type Access, type AccessOptions, openAccess } from './access.ts';
import { checkoutError, lookupError } from './failure.ts';
import { measureTree, openWorkspace, showBytes } from './workspace.ts';

export interface GitOptions extends AccessOptions {
  readonly git?: string;
  /** How large an uploaded pack may be. */
  readonly maxPackBytes?: number;
  /** How long looking up a ref may take. */
  readonly lookupTimeoutMs?: number;
}

type Git = (
  args: readonly string[],
  more?: { cwd?: string; input?: AsyncIterable<Uint8Array> },
) => Promise<ProgramOutput>;

const defaultMaxPackBytes = 1_073_741_824;

/** Reads git repositories with git itself, shut in: no configuration of the machine, no hooks, no prompts, few protocols. */
export function gitSource(options: GitOptions): Source {
  const gitOf =
    (access: Access, signal: AbortSignal): Git =>
    (args, more = {}) =>
      tryProgram({ file: options.git ?? 'git', args, env: access.env, signal, graceMs: 2_000, ...more });

  return {
    async resolveRef(repository, ref, signal) {
      if (isGitSha(ref)) return ref;
      checkRef(ref);
      await using access = await openAccess(repository, options);
      const timeout = AbortSignal.timeout(options.lookupTimeoutMs ?? 30_000);
      const git = gitOf(access, AbortSignal.any([signal, timeout]));
      const names = ref === 'HEAD' || ref.startsWith('refs/') ? [ref] : [`refs/heads/${ref}`, `refs/tags/${ref}`];
      const patterns = names.flatMap((name) => (name.startsWith('refs/tags/') ? [name, `${name}^{}`] : [name]));

      const listed = await git(['ls-remote', '--quiet', '--', access.url?.url ?? '', ...patterns]).catch((error) => {
        if (!timeout.aborted || signal.aborted) throw error;
        throw new PlatformError('source_unreachable', `${access.url?.shown} did not answer in time.`);
      });

      if (listed.code !== 0) throw lookupError(listed.stderr, access);
      const shas = new Map(listed.stdout.split('\n').map((line) => line.split('\t').reverse() as [string, string]));
      const found = names.map((name) => shas.get(`${name}^{}`) ?? shas.get(name)).find((sha) => sha !== undefined);
      if (found) return found;
      const hint = /^[a-f0-9]{7,39}$/.test(ref) ? ' A commit is named by all of its 40 digits.' : '';
      throw new PlatformError('ref_not_found', `${access.url?.shown} has no branch or tag ${ref}.${hint}`);
    },

    async checkout({ repository, sha, pack }, say, signal) {
      if (!isGitSha(sha)) throw new PlatformError('source_invalid', 'A commit is named by all of its 40 digits.');
      if (!repository && !pack) throw new PlatformError('source_invalid', 'There is neither a repository nor a pack.');
      await using access = await openAccess(pack ? null : repository, options);
      const holder = await scratchDirectory(options.workDir, 'workspace');
      try {
        const directory = join(holder, 'source');
        await mkdir(directory, { mode: 0o755 });
        const git = gitOf(access, signal);
        const inTree: Git = (args, more) => git(args, { cwd: directory, ...more });
        const must = async (args: readonly string[]) => {
          const output = await inTree(args);
          if (output.code !== 0) throw checkoutError(output.stderr, access, sha);
          return output.stdout;
        };

        await must(['init', '--quiet', '--template=', '--', '.']);
        if (pack) await unpack(inTree, access, { sha, pack, directory }, say, options.maxPackBytes);
        else await fetchCommit(inTree, access, sha, say);

        say('checkout', `Checking out ${sha.slice(0, 8)}`);
        await must(['checkout', '--quiet', '--detach', sha, '--']);
        const shown = await must(['log', '-1', '--no-show-signature', '--format=%ct%n%B', sha, '--']);
        const end = shown.indexOf('\n');
        await rm(join(directory, '.git'), { recursive: true, force: true });

        const { files, bytes } = await measureTree(directory);
        say('workspace', `Workspace ready: ${files} ${files === 1 ? 'file' : 'files'}, ${showBytes(bytes)}`);
        return await openWorkspace({
          directory,
          remove: holder,
          commitTime: new Date(Number(shown.slice(0, end)) * 1000),
          commitMessage: shown.slice(end + 1).trim(),
        });
      } catch (error) {
        await rm(holder, { recursive: true, force: true, maxRetries: 3 });
        throw error;
      }
    },
  };
}

async function fetchCommit(git: Git, access: Access, sha: string, say: (step: SourceStep, text: string) => void) {
  const url = access.url?.url ?? '';
  say('clone', `Cloning ${access.url?.shown}`);
  const quietly = ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules'];
  const direct = await git([...quietly, '--depth=1', '--', url, sha]);
  if (direct.code === 0) return requireCommit(git, access, sha);

  const shallowless = /dumb http|does not support shallow/i.test(direct.stderr);
  if (!shallowless && !/does not allow request for unadvertised object/i.test(direct.stderr))
    throw checkoutError(direct.stderr, access, sha);
  // An old server gives only what its branches and tags name: ask for more of their history until it is there.
  const refs = ['+refs/heads/*:refs/remotes/eve/*', '+refs/tags/*:refs/tags/*'];
  for (const depth of shallowless ? [[]] : [['--depth=1'], ['--depth=100'], ['--depth=2147483647']]) {
    const fetched = await git([...quietly, ...depth, '--', url, ...refs]);
    if (fetched.code !== 0) throw checkoutError(fetched.stderr, access, sha);
    if ((await git(['cat-file', '-e', `${sha}^{commit}`])).code === 0) return requireCommit(git, access, sha);
  }
  throw checkoutError('not our ref', access, sha);
}

async function unpack(
  git: Git,
  access: Access,
  { sha, pack, directory }: { sha: string; pack: AsyncIterable<Uint8Array>; directory: string },
  say: (step: SourceStep, text: string) => void,
  maxPackBytes = defaultMaxPackBytes,
) {
  say('clone', 'Unpacking the uploaded source');
  // The commit's parents are not in the pack, and need not be.
  await writeFile(join(directory, '.git', 'shallow'), `${sha}\n`);
  const indexed = await git(['index-pack', '--stdin', '--strict', `--max-input-size=${maxPackBytes}`], { input: pack });
  if (indexed.code !== 0) {
    const said = /exceeds maximum allowed size/.test(indexed.stderr) ? 'it is too large' : 'it is not a sound git pack';
    throw new BuildFailed(
      buildFailure('clone_error', `The uploaded source cannot be used: ${said}.`, { phase: 'source' }),
    );
  }
  await requireCommit(git, access, sha);
  const walked = await git(['rev-list', '--objects', '--quiet', sha, '--']);
  if (walked.code !== 0)
    throw new BuildFailed(
      buildFailure('clone_error', `The uploaded source lacks parts of the commit ${sha}.`, { phase: 'source' }),
    );
}

async function requireCommit(git: Git, access: Access, sha: string): Promise<void> {
  const found = await git(['rev-parse', '--verify', '--quiet', `${sha}^{commit}`]);
  if (found.stdout.trim() !== sha) throw checkoutError('not our ref', access, sha);
}

function checkRef(ref: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (!/^(?!-)[^\u0000-\u0020\u007f~^:?*[\\]+$/.test(ref) || ref.includes('..') || ref.includes('@{'))
    throw new PlatformError('ref_not_found', 'This is not the name of a branch, a tag or a commit.');
}
