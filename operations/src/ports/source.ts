/** A repository and what opens it. */
export interface Repository {
  readonly url: string;
  /** Token for https, private key for ssh; handed over through an askpass helper or a file, never argv. */
  readonly credentials:
    | { readonly kind: 'token'; readonly value: string }
    | { readonly kind: 'ssh_key'; readonly value: string }
    | null;
  /** Whether `file:` URLs and absolute paths may be read. */
  readonly allowLocal: boolean;
}

/** A checked-out commit in a directory of its own; disposing removes it. */
export interface Workspace extends AsyncDisposable {
  readonly directory: string;
  readonly commitTime: Date;
  readonly commitMessage: string;
  /** A file below the root (links that leave it are refused), null when it is not there. */
  readFile(path: string, maxBytes: number): Promise<Uint8Array | null>;
  kindOf(path: string): Promise<'file' | 'directory' | null>;
}

/** A commit of a repository's history. */
export interface Commit {
  readonly sha: string;
  readonly author: string;
  readonly at: Date;
  /** Subject, blank line, body. */
  readonly message: string;
}

export type SourceStep = 'clone' | 'checkout' | 'workspace';

/** Fetches source. Throws BuildFailed with clone_error or auth_error, or PlatformError for a refused URL. */
export interface Source {
  /** The full sha of a branch, tag or sha. Throws `ref_not_found`, `source_unreachable`, `source_refused`. */
  resolveRef(repository: Repository, ref: string, signal: AbortSignal): Promise<string>;
  /**
   * The commits that lead to `to` and not to `from`, newest first, at most `limit`; all that lead to it when `from` is null or not
   * an ancestor that the repository has (`complete` false). From an uploaded pack as far as it reaches.
   */
  commits(
    range: {
      readonly repository: Repository | null;
      readonly pack: AsyncIterable<Uint8Array> | null;
      readonly from: string | null;
      readonly to: string;
      readonly limit: number;
    },
    signal: AbortSignal,
  ): Promise<{ readonly commits: readonly Commit[]; readonly complete: boolean }>;
  /** Fetches exactly this commit: from the uploaded pack if there is one, else from the repository. `say` gets each phase's lines. */
  checkout(
    commit: { repository: Repository | null; sha: string; pack: AsyncIterable<Uint8Array> | null },
    say: (step: SourceStep, text: string) => void,
    signal: AbortSignal,
  ): Promise<Workspace>;
}
