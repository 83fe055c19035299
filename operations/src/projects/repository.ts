import { isSecretName, PlatformError } from '@eve/domain';
import { invalidField } from '../organisations/refuse.ts';
import type { Settings } from '../platform.ts';

const scpForm = /^[A-Za-z0-9_][A-Za-z0-9_.-]*@[A-Za-z0-9][A-Za-z0-9.-]*:(?!\/\/)[^\s-][^\s]*$/;

/** A repository's address as it may be recorded: no credentials in it, and nothing a program would take for an option. Throws `source_refused`. */
export function checkedRepoUrl(text: string, settings: Pick<Settings, 'localSources'>): string {
  const url = text.trim();
  const refusal = refusalOf(url, settings);
  if (refusal === null) return url;
  throw new PlatformError('source_refused', refusal, { details: [{ path: 'repo_url', message: refusal }] });
}

function refusalOf(url: string, { localSources }: Pick<Settings, 'localSources'>): string | null {
  const forms = 'Use https://host/path, ssh://git@host/path or git@host:path.';
  if (url === '' || url.length > 2000 || /[\s\p{Cc}]/u.test(url) || url.startsWith('-')) {
    return `This is no address of a repository. ${forms}`;
  }
  if (url.startsWith('/') || url.toLowerCase().startsWith('file:')) return localSources ? localRefusal(url) : noLocal;
  if (scpForm.test(url)) return null;
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (!parsed?.hostname || parsed.hostname.startsWith('-') || parsed.pathname.length < 2) {
    return `This is no address of a repository. ${forms}`;
  }
  if (parsed.password || (parsed.username && parsed.protocol !== 'ssh:')) return credentials;
  if (parsed.username.startsWith('-')) return `This is no address of a repository. ${forms}`;
  if (parsed.search || parsed.hash) return 'Leave out what follows `?` or `#` in the address of the repository.';
  if (parsed.protocol === 'https:' || parsed.protocol === 'ssh:') return null;
  if (parsed.protocol === 'http:' && localSources && /^(127\.0\.0\.1|localhost|\[::1\])$/.test(parsed.hostname)) {
    return null;
  }
  return `Repositories are not fetched over ${parsed.protocol.slice(0, -1)}. ${forms}`;
}

const noLocal =
  'Repositories on the disk of the server are not allowed here. Push it somewhere and use its https or ssh address, or deploy with --repo-dir.';
const credentials =
  'Leave user name and password out of the address: set the secret GITHUB_TOKEN (`eve secrets set GITHUB_TOKEN …`), or name another with --repo-token-secret.';

function localRefusal(url: string): string | null {
  if (url.startsWith('/')) return url.includes('\0') ? 'This is no path.' : null;
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (
    !parsed ||
    parsed.search ||
    parsed.hash ||
    !url.toLowerCase().startsWith('file:///') ||
    parsed.pathname.length < 2
  ) {
    return 'Write a repository on this machine as its absolute path, or as file:///path.';
  }
  return null;
}

/** Whether two addresses name one repository: a trailing slash or `.git` makes no difference. */
export function isSameRepository(one: string, other: string): boolean {
  const plain = (url: string) => url.replace(/\/+$/, '').replace(/\.git$/, '');
  return plain(one) === plain(other);
}

/** A branch's name as git allows it. Throws `request_invalid`. */
export function checkedBranch(text: string): string {
  const allowed =
    text.length <= 200 &&
    /^[^\s~^:?*[\\\p{Cc}]+$/u.test(text) &&
    !/^[-/.]|\.\.|@\{|\/\/|\/\.|\.lock(\/|$)|[/.]$/.test(text) &&
    text !== '@';
  if (allowed) return text;
  throw invalidField('branch', `"${text.slice(0, 60)}" is no name of a branch.`);
}

/** The name of the secret that opens the repository. Throws `secret_name_invalid`. */
export function checkedSecretName(text: string, path: string): string {
  if (isSecretName(text)) return text;
  const message = `"${text.slice(0, 60)}" is no name of a secret: use letters, digits and underscores, a letter or underscore first, at most 128.`;
  throw new PlatformError('secret_name_invalid', message, { details: [{ path, message }] });
}
