import { rm, writeFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { scratchDirectory, systemPath } from '@eve/adapter-process';
import type { Repository } from '@eve/operations';
import { publicAddresses, type Resolve } from '../address-guard.ts';
import { parseRepositoryUrl, type RepositoryUrl } from './repository-url.ts';

export interface AccessOptions {
  readonly workDir: string;
  /** Variables handed on to git, such as GIT_SSL_CAINFO, SSL_CERT_FILE and a proxy's. */
  readonly variables?: Readonly<Record<string, string>>;
  readonly resolve?: Resolve;
}

/** What git needs to reach one repository: an environment, and files that only we can read. */
export interface Access extends AsyncDisposable {
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  readonly url: RepositoryUrl | null;
  /** Texts that belong in no message. */
  readonly secrets: readonly string[];
}

/** Checks the URL and lays credentials down as files; without a repository git reaches nothing. */
export async function openAccess(repository: Repository | null, options: AccessOptions): Promise<Access> {
  const url = repository && parseRepositoryUrl(repository.url, repository.allowLocal);
  const addresses =
    url?.host && !repository?.allowLocal ? await publicAddresses(url.host, options.resolve) : ([] as const);

  const directory = await scratchDirectory(options.workDir, 'git');
  const dispose = () => rm(directory, { recursive: true, force: true });
  try {
    const login = loginOf(repository, url);
    const sshCommand =
      url?.kind === 'ssh'
        ? await sshAccess(directory, repository, {
            host: url.host,
            address: addresses[0],
            // Kept, so that a host that changes its key is noticed.
            knownHosts: join(options.workDir, 'known_hosts'),
          })
        : null;
    const askpass = login && (await askpassAccess(directory, login));
    const config = join(directory, 'config');
    await writeFile(config, gitConfig(url, addresses), { mode: 0o600 });
    return {
      directory,
      url,
      secrets: [login?.password ?? '', repository?.credentials?.value ?? ''].filter((secret) => secret.length > 3),
      env: {
        PATH: systemPath,
        ...options.variables,
        HOME: directory,
        LC_ALL: 'C',
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_CONFIG_GLOBAL: config,
        GIT_ATTR_NOSYSTEM: '1',
        GIT_TERMINAL_PROMPT: '0',
        GIT_ALLOW_PROTOCOL: allowedProtocols(repository, url),
        ...(askpass && { GIT_ASKPASS: askpass }),
        ...(sshCommand && { GIT_SSH_COMMAND: sshCommand }),
      },
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** The whole configuration of our git; the addresses that were checked are the ones that are used. */
export function gitConfig(url: RepositoryUrl | null, addresses: readonly string[]): string {
  const pinned = addresses.map((address) => (isIPv6(address) ? `[${address}]` : address)).join(',');
  const pin = url && url.kind !== 'ssh' && pinned ? `\n\tcurloptResolve = "${url.host}:${url.port}:${pinned}"` : '';
  return `[core]
\thooksPath = /dev/null
\tfsmonitor = false
\tautocrlf = false
\taskPass =
[credential]
\thelper =
[protocol "ext"]
\tallow = never
[http]
\tfollowRedirects = false
\tlowSpeedLimit = 1000
\tlowSpeedTime = 60${pin}
[safe]
\tdirectory = *
[gc]
\tauto = 0
[maintenance]
\tauto = false
[init]
\tdefaultBranch = main
[advice]
\tdetachedHead = false
[fetch]
\trecurseSubmodules = false
`;
}

function allowedProtocols(repository: Repository | null, url: RepositoryUrl | null): string {
  if (!repository || !url) return 'none';
  return ['https', 'ssh', ...(repository.allowLocal ? ['file'] : []), ...(url.kind === 'http' ? ['http'] : [])].join(
    ':',
  );
}

function loginOf(repository: Repository | null, url: RepositoryUrl | null) {
  if (url?.kind !== 'https' && url?.kind !== 'http') return null;
  if (repository?.credentials?.kind === 'token')
    return { username: url.embedded?.username || 'x-access-token', password: repository.credentials.value };
  if (!url.embedded) return null;
  const { username, password } = url.embedded;
  // A token alone is written as the username.
  return password ? { username, password } : { username: 'x-access-token', password: username };
}

/** git asks this program twice; the answers lie in files, so that neither arguments nor environment hold them. */
async function askpassAccess(directory: string, login: { username: string; password: string }): Promise<string> {
  const file = (name: string) => join(directory, name);
  await writeFile(file('username'), login.username, { mode: 0o600 });
  await writeFile(file('password'), login.password, { mode: 0o600 });
  await writeFile(
    file('askpass'),
    `#!/bin/sh\ncd "$(dirname "$0")" || exit 1\ncase "$1" in Username*) cat username ;; *) cat password ;; esac\n`,
    { mode: 0o700 },
  );
  return file('askpass');
}

async function sshAccess(
  directory: string,
  repository: Repository | null,
  { host, address, knownHosts }: { host: string | null; address: string | undefined; knownHosts: string },
): Promise<string> {
  const key = repository?.credentials?.kind === 'ssh_key' ? join(directory, 'key') : null;
  if (key) await writeFile(key, `${repository?.credentials?.value.trimEnd()}\n`, { mode: 0o600 });
  const options = [
    'BatchMode=yes',
    'ConnectTimeout=20',
    'StrictHostKeyChecking=accept-new',
    `UserKnownHostsFile=${knownHosts}`,
    'IdentitiesOnly=yes',
    'IdentityAgent=none',
    ...(address ? [`HostName=${address}`, `HostKeyAlias=${host}`, 'CheckHostIP=no'] : []),
    ...(key ? [`IdentityFile=${key}`] : []),
  ];
  // git hands this to a shell: each option stays one word, whatever our directory is called.
  return ['ssh', '-F', '/dev/null', ...options.map((option) => `-o '${option.replaceAll("'", "'\\''")}'`)].join(' ');
}
