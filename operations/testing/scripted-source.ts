import { BuildFailed, buildFailure, PlatformError } from '@eve/domain';
import type { Commit, Repository, Source, Workspace } from '../src/ports/source.ts';

/** Files of a commit by path. */
export type Files = Readonly<Record<string, string>>;

/** A source whose commits are objects of files. */
export interface ScriptedSource extends Source {
  /** By sha; may be added to at any time. */
  readonly trees: Record<string, Files>;
  /** What led to a commit, for `commits`; one that is not in here has no history. */
  readonly history: Record<string, { readonly message: string; readonly parent: string | null }>;
  readonly branches: Record<string, string>;
  readonly checkouts: { readonly sha: string; readonly repository: Repository | null }[];
  /** Workspaces that were not disposed of. */
  readonly open: Set<string>;
  /** Set: the history cannot be read. */
  away: boolean;
}

/** Makes a source without any commit. */
export function scriptedSource(): ScriptedSource {
  const source: ScriptedSource = {
    trees: {},
    history: {},
    branches: {},
    checkouts: [],
    open: new Set(),
    away: false,
    async resolveRef(_repository, ref) {
      const sha = source.branches[ref];
      if (sha === undefined) throw new PlatformError('ref_not_found', `There is no ref ${ref}.`);
      return sha;
    },
    async commits({ repository, from, to, limit }, signal) {
      signal.throwIfAborted();
      if (source.away) throw new PlatformError('source_unreachable', `${repository?.url} cannot be reached.`);
      const all: Commit[] = [];
      for (let sha: string | null = to; sha !== null; ) {
        const { message, parent }: (typeof source.history)[string] = source.history[sha] ?? {
          message: '',
          parent: null,
        };
        all.push({ sha, author: 'Ann', at: new Date('2026-01-01T00:00:00Z'), message });
        sha = parent;
      }
      const end = from === null ? all.length : all.findIndex(({ sha }) => sha === from);
      const chosen = end === -1 ? all : all.slice(0, end);
      return { commits: chosen.slice(0, limit), complete: end !== -1 && chosen.length <= limit };
    },
    async checkout({ repository, sha }, say, signal) {
      signal.throwIfAborted();
      source.checkouts.push({ repository, sha });
      say('clone', `Cloning ${repository?.url ?? 'an upload'}...`);
      const files = source.trees[sha];
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
