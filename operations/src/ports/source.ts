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

export type SourceStep = 'clone' | 'checkout' | 'workspace';

/** Fetches source. Throws BuildFailed with clone_error or auth_error, or PlatformError for a refused URL. */
export interface Source {
  /** The full sha of a branch, tag or sha. Throws `ref_not_found`, `source_unreachable`, `source_refused`. */
  resolveRef(repository: Repository, ref: string, signal: AbortSignal): Promise<string>;
  /** Fetches exactly this commit: from the uploaded pack if there is one, else from the repository. `say` gets each phase's lines. */
  checkout(
    commit: { repository: Repository | null; sha: string; pack: AsyncIterable<Uint8Array> | null },
    say: (step: SourceStep, text: string) => void,
    signal: AbortSignal,
  ): Promise<Workspace>;
}
