import { BuildFailed, buildFailure, PlatformError } from '@eve/domain';
import { redactor } from '@eve/operations';
import type { Access } from './access.ts';

/** Why git could not do what it was asked, told by its own words, which are English here. */
export type GitFailure =
  | 'auth'
  | 'unknown_repository'
  | 'unknown_commit'
  | 'unreachable'
  | 'redirected'
  | 'no_space'
  | 'other';

const causes: readonly [GitFailure, RegExp][] = [
  ['no_space', /no space left on device|disk quota exceeded/i],
  [
    'auth',
    /authentication failed|could not read (?:username|password)|terminal prompts disabled|permission denied|returned error: 40[13]|http basic: access denied|invalid username or|host key verification failed/i,
  ],
  ['redirected', /unable to update url base from redirection|returned error: 30\d|redirect/i],
  ['unknown_commit', /not our ref|couldn't find remote ref|unadvertised object|bad object|did not send all necessary/i],
  [
    'unknown_repository',
    /repository .*not found|repository .*does not exist|not appear to be a git repository|returned error: 404|not found/i,
  ],
  [
    'unreachable',
    /could not resolve host|failed to connect|connection (?:refused|reset|timed out|closed)|timed out|unable to access|network is unreachable|unable to connect|hung up|early eof|returned error: 5\d\d|kex_exchange/i,
  ],
];

/** The cause that git's error output tells. */
export function gitFailure(stderr: string): GitFailure {
  return causes.find(([, words]) => words.test(stderr))?.[0] ?? 'other';
}

/** The error of a checkout: recorded with the build. */
export function checkoutError(stderr: string, access: Access, sha: string): BuildFailed {
  const shown = access.url?.shown ?? 'the uploaded source';
  const cause = gitFailure(stderr);
  const said = tidyGit(stderr, access);
  const failed = (...[code, message, more]: Parameters<typeof buildFailure>) =>
    new BuildFailed(buildFailure(code, message, { phase: 'source', ...more }));
  if (cause === 'auth') return failed('auth_error', `${shown} does not exist or refuses the credentials: ${said}`);
  if (cause === 'no_space')
    return failed('resource_error', `The disk is full: ${said}`, {
      retryClass: 'temporary_resource',
      hint: 'Free space in the data directory of the worker.',
    });
  if (cause === 'unknown_commit')
    return failed('clone_error', `The commit ${sha} is not in ${shown}.`, {
      hint: 'Push the commit first, or build a copy of your working tree with --repo-dir.',
    });
  const text: Partial<Record<GitFailure, string>> = {
    unknown_repository: `There is no repository at ${shown}: ${said}`,
    redirected: `${shown} leads to another address; use the repository's present URL.`,
    unreachable: `${shown} cannot be reached: ${said}`,
  };
  // A host without an address is more often mistyped than away for a moment.
  const passes = cause === 'unreachable' && !/could not resolve host/i.test(said);
  return failed('clone_error', text[cause] ?? `git could not fetch ${shown}: ${said}`, {
    retryClass: passes ? 'network' : null,
  });
}

/** The error of looking a ref up: an answer to who asked. */
export function lookupError(stderr: string, access: Access): PlatformError {
  const shown = access.url?.shown ?? 'the repository';
  const cause = gitFailure(stderr);
  const said = tidyGit(stderr, access);
  if (cause === 'auth')
    return new PlatformError(
      'source_refused',
      `${shown} does not exist or refuses the credentials; check GITHUB_TOKEN.`,
    );
  if (cause === 'unknown_repository')
    return new PlatformError('source_refused', `There is no repository at ${shown}: ${said}`);
  if (cause === 'redirected')
    return new PlatformError('source_refused', `${shown} leads to another address; use the repository's present URL.`);
  return new PlatformError('source_unreachable', `${shown} cannot be reached: ${said}`);
}

/** git's last words in one line, without its prefixes, our directories and anything secret. */
export function tidyGit(stderr: string, { secrets, directory }: Pick<Access, 'secrets' | 'directory'>): string {
  const lines = stderr.split(/[\r\n]+/).map((line) => line.trim());
  const telling = lines.filter((line) => /^(?:fatal|error|remote|ERROR|ssh):? /.test(line));
  const boilerplate =
    /^(?:fatal: )?(?:Could not read from remote repository|Please make sure|and the repository exists)/;
  const chosen = (telling.length > 0 ? telling : lines).filter((line) => line && !boilerplate.test(line));
  const text = (chosen.length > 0 ? chosen : lines.filter(Boolean)).slice(-2).join('; ');
  return redactor(secrets)(text)
    .replaceAll(directory, '')
    .replace(/\b(?:fatal|error|remote): /g, '')
    .replace(/(\w:\/\/)[^/@\s]+@/g, '$1***@')
    .slice(0, 300);
}
