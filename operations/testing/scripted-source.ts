import { BuildFailed, buildFailure, PlatformError } from '@eve/domain';
import type { Repository, Source, Workspace } from '../src/ports/source.ts';

/** Files of a commit by path. */
export type Files = Readonly<Record<string, string>>;

/** A source whose commits are objects of files. */
export interface ScriptedSource extends Source {
  /** By sha; may be added to at any time. */
  readonly commits: Record<string, Files>;
  readonly branches: Record<string, string>;
  readonly checkouts: { readonly sha: string; readonly repository: Repository | null }[];
  /** Workspaces that were not disposed of. */
  readonly open: Set<string>;
}

/** Makes a source without any commit. */
export function scriptedSource(): ScriptedSource {
  const source: ScriptedSource = {
    commits: {},
    branches: {},
    checkouts: [],
    open: new Set(),
    async resolveRef(_repository, ref) {
      const sha = source.branches[ref];
      if (sha === undefined) throw new PlatformError('ref_not_found', `There is no ref ${ref}.`);
      return sha;
    },
    async checkout({ repository, sha }, say, signal) {
      signal.throwIfAborted();
      source.checkouts.push({ repository, sha });
      say('clone', `Cloning ${repository?.url ?? 'an upload'}...`);
      const files = source.commits[sha];
      if (!files) throw new BuildFailed(buildFailure('clone_error', `Commit ${sha} is not in the repository.`));
      say('checkout', `Checking out ${sha.slice(0, 8)}...`);
      const directory = `/scripted/${sha}/${source.checkouts.length}`;
      source.open.add(directory);
      say('workspace', 'Workspace ready');
      return workspace(directory, files, () => source.open.delete(directory));
    },
  };
  return source;
}

function workspace(directory: string, files: Files, close: () => void): Workspace {
  return {
    directory,
    commitTime: new Date('2026-01-01T00:00:00Z'),
    commitMessage: 'feat: sample',
    readFile: async (path) => (files[path] === undefined ? null : Buffer.from(files[path])),
    async kindOf(path) {
      if (path in files) return 'file';
      const inside = path === '.' ? '' : `${path}/`;
      return Object.keys(files).some((name) => name.startsWith(inside)) ? 'directory' : null;
    },
    async [Symbol.asyncDispose]() {
      close();
    },
  };
}
