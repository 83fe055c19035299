import { isAbsolute } from 'node:path';
import { PlatformError } from '@eve/domain';

/** A repository's URL taken apart, its credentials set aside. */
export interface RepositoryUrl {
  readonly kind: 'https' | 'http' | 'ssh' | 'file';
  /** What git gets; never with a password. */
  readonly url: string;
  readonly host: string | null;
  readonly port: string | null;
  /** What stood in the URL and belongs in no message. */
  readonly embedded: { readonly username: string; readonly password: string } | null;
  /** For people. */
  readonly shown: string;
}

/** Reads a URL that git may be given. Throws `source_refused` for any other. */
export function parseRepositoryUrl(text: string, allowLocal: boolean): RepositoryUrl {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (text === '' || text.startsWith('-') || /[\u0000-\u001f\u007f]/.test(text))
    throw refused('The repository URL is empty, starts with a dash or has control characters in it.');
  if (isAbsolute(text) || /^file:\/\//i.test(text)) return local(text, allowLocal);

  const scp = /^([\w.-]+)@([\w.-]+):(?!\/\/)([^\s]+)$/.exec(text);
  if (scp) {
    const [, user = '', host = '', path = ''] = scp;
    if (user.startsWith('-') || host.startsWith('-') || path.startsWith('-'))
      throw refused('No part of a repository URL may start with a dash.');
    return { kind: 'ssh', url: text, host, port: null, embedded: null, shown: text };
  }
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || text.includes('::'))
    throw refused('A repository is named as https://host/path, ssh://host/path or user@host:path.');
  const kind = url.protocol.slice(0, -1);
  if (kind === 'https' || (kind === 'http' && allowLocal && isLoopback(url.hostname))) return http(url, kind);
  if (kind === 'ssh') return ssh(url);
  throw refused(`Repositories are read over https or ssh, not over ${url.protocol.slice(0, 20)}`);
}

/** Whether a host's name says that it is this machine. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function local(text: string, allowLocal: boolean): RepositoryUrl {
  if (!allowLocal) throw refused('Repositories on the machine itself are not read here; use https or ssh.');
  return { kind: 'file', url: text, host: null, port: null, embedded: null, shown: text };
}

function http(url: URL, kind: 'https' | 'http'): RepositoryUrl {
  const { username, password } = url;
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  const masked = shown.href.replace('://', username || password ? '://***@' : '://');
  return {
    kind,
    url: shown.href,
    host: url.hostname,
    port: url.port || (kind === 'https' ? '443' : '80'),
    embedded:
      username || password ? { username: decodeURIComponent(username), password: decodeURIComponent(password) } : null,
    shown: masked,
  };
}

function ssh(url: URL): RepositoryUrl {
  if (decodeURIComponent(url.hostname).startsWith('-') || decodeURIComponent(url.username).startsWith('-'))
    throw refused('No part of a repository URL may start with a dash.');
  const bare = new URL(url);
  bare.password = '';
  return { kind: 'ssh', url: bare.href, host: url.hostname, port: url.port || null, embedded: null, shown: bare.href };
}

function refused(message: string): PlatformError {
  return new PlatformError('source_refused', message);
}
