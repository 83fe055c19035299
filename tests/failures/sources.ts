import { git, repositoryWith } from '../../apps/cli/testing/repository.ts';
import type { FailureCase } from './scene.ts';
import { alwaysAnswering, serving } from './servers.ts';

const source = { phase: 'source', retry: false } as const;

/** Sources that cannot be had. */
export const sourceCases: readonly FailureCase[] = [
  {
    name: 'the host of the repository is not known',
    given: async () => ({ repoUrl: 'https://nowhere.invalid/acme/shop.git', gitSha: 'a'.repeat(40) }),
    expect: { ...source, code: 'clone_error', message: /nowhere\.invalid/, hint: /repository/i },
  },
  {
    name: 'nothing listens where the repository should be',
    given: async () => ({ repoUrl: 'http://127.0.0.1:9/acme/shop.git' }),
    expect: { ...source, code: 'clone_error', message: /cannot be reached/, retry: true, retryClass: 'network' },
  },
  {
    name: 'the repository asks for credentials and there are none',
    given: async (_, defer) => ({
      repoUrl: `http://${await alwaysAnswering(401, { 'www-authenticate': 'Basic realm="git"' }, defer)}/acme/shop.git`,
    }),
    expect: { ...source, code: 'auth_error', message: /refuses the credentials/, hint: /GITHUB_TOKEN/ },
  },
  {
    name: 'the repository refuses the token',
    given: async (_, defer) => ({
      repoUrl: `http://${await alwaysAnswering(403, {}, defer)}/acme/shop.git`,
      secrets: { GITHUB_TOKEN: 'ghp_wrong-token-of-somebody' },
    }),
    expect: { ...source, code: 'auth_error', message: /refuses the credentials/, hint: /GITHUB_TOKEN/ },
  },
  {
    name: 'the host has no such repository',
    given: async (_, defer) => ({ repoUrl: `http://${await alwaysAnswering(404, {}, defer)}/acme/shop.git` }),
    expect: { ...source, code: 'clone_error', message: /no repository at/ },
  },
  {
    name: 'the host of the repository is out of order',
    given: async (_, defer) => ({ repoUrl: `http://${await alwaysAnswering(503, {}, defer)}/acme/shop.git` }),
    expect: { ...source, code: 'clone_error', message: /cannot be reached/, retry: true, retryClass: 'network' },
  },
  {
    name: 'the repository has moved to another host',
    given: async (_, defer) => ({
      repoUrl: `http://${await alwaysAnswering(301, { location: 'http://127.0.0.1:9/else.git' }, defer)}/acme/shop.git`,
    }),
    expect: { ...source, code: 'clone_error', message: /another address|cannot be reached/ },
  },
  {
    name: 'the commit was never pushed',
    given: async () => ({ gitSha: 'b'.repeat(40) }),
    expect: { ...source, code: 'clone_error', message: /commit b{40} is not in/, hint: /[Pp]ush the commit/ },
  },
  {
    name: 'the directory is no repository',
    given: async ({ installation }) => ({ repoUrl: installation.dataDir }),
    expect: { ...source, code: 'clone_error', message: /no repository|could not fetch/ },
  },
  {
    name: 'nothing answers to ssh',
    given: async () => ({ repoUrl: 'ssh://git@127.0.0.1:9/acme/shop.git' }),
    expect: { ...source, code: 'clone_error', message: /cannot be reached/, retry: true, retryClass: 'network' },
  },
  {
    name: 'the host of the repository hangs for longer than preparing may take',
    given: async (_, defer) => ({ repoUrl: `http://${await serving(() => {}, defer)}/acme/shop.git` }),
    expect: {
      code: 'timeout_error',
      phase: 'prepare',
      message: /prepar/i,
      hint: /EVE_BUILD_PREPARE_TIMEOUT/,
      retry: false,
    },
  },
  {
    name: 'the commit holds another manifest than the one that was synced',
    given: async ({ installation: { dataDir } }) => {
      const directory = `${dataDir}/cases/other-manifest`;
      await repositoryWith(directory, { '.eve/manifest.yaml': 'services: { web: { build: other } }\n' });
      return { repoUrl: directory, gitSha: await git(directory, 'rev-parse', 'HEAD') };
    },
    expect: {
      code: 'build_error',
      phase: 'plan',
      message: /manifest .* hash/,
      hint: /eve project sync/,
      retry: false,
    },
  },
];
