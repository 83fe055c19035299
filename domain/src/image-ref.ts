/** The place of an image without the host: the host is rendered for who asks (person, builder, node) and never stored. */
export interface ImagePlace {
  /** `eve` for the registry that Eve runs, else the host of another registry. */
  readonly registry: string;
  readonly repository: string;
}

/** An image reference taken apart; the grammar is the distribution project's. */
export interface ImageReference {
  readonly host: string;
  readonly repository: string;
  readonly tag: string | null;
  readonly digest: string | null;
}

const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const reference = new RegExp(
  `^(?:([a-zA-Z0-9.-]+(?::[0-9]+)?|\\[[a-fA-F0-9:]+\\](?::[0-9]+)?)/)?(${component}(?:/${component})*)(?::([\\w][\\w.-]{0,127}))?(?:@(sha256:[a-f0-9]{64}))?$`,
);

/** Takes a reference apart, with Docker Hub's defaults (`node` is `docker.io/library/node`); null when it is none. */
export function parseImageReference(text: string): ImageReference | null {
  const match = reference.exec(text);
  if (!match) return null;
  let [, host, repository = '', tag, digest] = match;
  if (host !== undefined && !/[.:]/.test(host) && host !== 'localhost') {
    repository = `${host}/${repository}`;
    host = undefined;
  }
  if (host === undefined && !repository.includes('/')) repository = `library/${repository}`;
  return { host: host ?? 'docker.io', repository, tag: tag ?? null, digest: digest ?? null };
}

/** Writes a reference; a digest wins over a tag. */
export function formatImageReference({ host, repository, tag, digest }: ImageReference): string {
  return `${host}/${repository}${digest ? `@${digest}` : tag ? `:${tag}` : ''}`;
}

/** A version as an image tag: build metadata's plus sign is not allowed in tags. */
export function versionTag(version: string): string {
  return `v${version.replace(/^v/, '').replaceAll('+', '_')}`;
}

export function isDigest(text: string): boolean {
  return /^sha256:[a-f0-9]{64}$/.test(text);
}

/** Whether a git sha is whole: exactly 40 lower-case hex digits. */
export function isGitSha(text: string): boolean {
  return /^[a-f0-9]{40}$/.test(text);
}
