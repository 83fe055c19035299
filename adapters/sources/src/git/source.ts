import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { scratchDirectory, tryProgram } from '@eve/adapter-process';
import { isGitSha, PlatformError } from '@eve/domain';
import type { Source } from '@eve/operations';
import { type Access, type AccessOptions, openAccess } from './access.ts';
import { checkoutError, lookupError } from './failure.ts';
import { fetchCommit, type Git, unpack } from './fetch-commit.ts';
import { readHistory } from './history.ts';
import { measureTree, openWorkspace, showBytes } from './workspace.ts';

export interface GitOptions extends AccessOptions {
  readonly git?: string;
  /** How large an uploaded pack may be. */
  readonly maxPackBytes?: number;
  /** How long looking up a ref may take. */
  readonly lookupTimeoutMs?: number;
  /** How long reading the history may take. */
  readonly historyTimeoutMs?: number;
}

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

    async commits({ repository, pack, from, to, limit }, signal) {
      if (!isGitSha(to) || (from !== null && !isGitSha(from)))
        throw new PlatformError('ref_not_found', 'A commit is named by all of its 40 digits.');
      if (!repository && !pack) throw new PlatformError('source_invalid', 'There is neither a repository nor a pack.');
      await using access = await openAccess(pack ? null : repository, options);
      const timeout = AbortSignal.timeout(options.historyTimeoutMs ?? 60_000);
      const git = gitOf(access, AbortSignal.any([signal, timeout]));
      const directory = await scratchDirectory(options.workDir, 'history');
      try {
        const range = { from, to, limit };
        const bound = { directory, maxPackBytes: options.maxPackBytes };
        return await readHistory((args, more) => git(args, { cwd: directory, ...more }), access, pack, range, bound);
      } catch (error) {
        if (!timeout.aborted || signal.aborted) throw error;
        throw new PlatformError('source_unreachable', `${access.url?.shown ?? 'git'} did not answer in time.`);
      } finally {
        await rm(directory, { recursive: true, force: true, maxRetries: 3 });
      }
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
        if (pack) {
          say('clone', 'Unpacking the uploaded source');
          await unpack(inTree, access, { sha, pack, directory }, options.maxPackBytes);
        } else {
          say('clone', `Cloning ${access.url?.shown}`);
          await fetchCommit(inTree, access, sha, { fail: (stderr) => checkoutError(stderr, access, sha) });
        }

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

function checkRef(ref: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (!/^(?!-)[^\u0000-\u0020\u007f~^:?*[\\]+$/.test(ref) || ref.includes('..') || ref.includes('@{'))
    throw new PlatformError('ref_not_found', 'This is not the name of a branch, a tag or a commit.');
}
