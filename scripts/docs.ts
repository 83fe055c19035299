// Writes the pages of docs/ that are made from code: `node scripts/docs.ts`. With `--check` it only says which are stale.
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { allCommands } from '../apps/cli/src/commands/all.ts';
import { groups } from '../apps/cli/src/commands/groups.ts';
import { configurationTable, readConfig } from '../apps/server/src/config.ts';
import { type BuildFailureCode, buildFailure } from '../domain/src/build-failure.ts';
import type { DeployFailureCode } from '../domain/src/deploy.ts';
import { type ErrorCode, type ErrorKind, errorKinds } from '../domain/src/error.ts';
import { deployFailure } from '../operations/src/deploys/deploy-failure.ts';

/** The root of the checkout. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const made = '<!-- Made by scripts/docs.ts from the code; changes are overwritten. -->';

const answers: Record<ErrorKind, { status: string; exitCode: number; means: string }> = {
  invalid: { status: '400', exitCode: 1, means: 'The request or document is wrong. Sending it again does not help.' },
  unauthenticated: { status: '401', exitCode: 3, means: 'No token, or one that is not accepted.' },
  forbidden: { status: '403', exitCode: 3, means: 'The token has no right to do this.' },
  not_found: { status: '404', exitCode: 3, means: 'It is not there, or this token may not see it.' },
  conflict: { status: '409', exitCode: 4, means: 'It conflicts with how things stand now.' },
  exhausted: { status: '429', exitCode: 75, means: 'Too much or too fast.' },
  unavailable: { status: '503', exitCode: 75, means: 'Something that Eve needs does not answer. Try again later.' },
};

/** Codes whose status or exit code is not the one of their kind. */
const exceptions: Partial<Record<ErrorCode, string>> = {
  request_invalid: 'exit code 2',
  body_invalid: 'exit code 2',
  deploy_request_invalid: 'exit code 2',
  strategy_invalid: 'exit code 2',
  body_too_large: 'HTTP 413, exit code 1',
};

const meanings: Record<ErrorCode, string> = {
  request_invalid: 'A field of the request or a variable of the configuration is wrong; `errors` lists each.',
  body_invalid: 'The body is not what the route reads: no valid JSON, cut off, or of another content type.',
  manifest_invalid: 'The manifest has mistakes; each comes with line and column.',
  manifest_missing: 'There is no manifest for this commit.',
  manifest_hash_unknown: 'No manifest with this hash was synced for this project.',
  manifest_hash_mismatch: 'The manifest with this hash belongs to another commit, or the commit has another manifest.',
  service_unknown: 'The manifest has no service of this name.',
  secret_missing: 'The manifest needs secrets that are not set.',
  secret_name_invalid: 'A secret is named like an environment variable: letters, digits, underscores.',
  source_refused: 'The operator does not allow this kind of repository address.',
  source_invalid: 'The repository or the uploaded pack does not hold what is asked for.',
  ref_not_found: 'The repository has no such branch, tag or commit.',
  deploy_request_invalid: 'The request to deploy names too little, or things that do not go together.',
  image_unknown: 'The registry has no such image.',
  digest_mismatch: 'An image has another digest than the one that was named.',
  artifacts_missing: 'Nothing was built of this commit with this manifest yet.',
  strategy_invalid: 'A strategy is none that Eve knows, or its steps do not go together.',
  engine_capability_missing: 'The build engine here cannot do what is asked.',
  unauthenticated: 'No token was sent, or it is not known here, or it was revoked.',
  token_expired: 'The token has expired.',
  approval_forbidden: 'Nobody approves their own deploy in a protected environment.',
  caller_forbidden: 'The token lacks a scope, or belongs to another project.',
  route_not_found: 'There is no such method and path.',
  organisation_not_found: 'There is no such organisation for this token.',
  project_not_found: 'There is no such project for this token.',
  manifest_not_found: 'The project has no such manifest.',
  secret_not_found: 'There is no such secret.',
  token_not_found: 'There is no such token.',
  build_not_found: 'There is no such build for this token.',
  build_run_not_found: 'There is no such build run for this token.',
  service_not_found: 'The environment has no such service; the message names those that it has.',
  release_not_found: 'There is no such release for this token.',
  environment_not_found: 'There is no such environment, and the manifest does not let a deploy make it.',
  revision_not_found: 'There is no such revision.',
  deploy_not_found: 'There is no such deploy for this token.',
  pipeline_not_found: 'The manifest has no such pipeline.',
  pipeline_run_not_found: 'There is no such pipeline run for this token.',
  organisation_exists: 'The slug of the organisation is taken.',
  project_exists: 'The slug of the project is taken.',
  environment_exists: 'The project has an environment of this name.',
  release_tag_taken: 'The project has a release with this tag; releases never change.',
  release_tag_ambiguous: 'Several projects have a release with this tag: name the project.',
  release_ref_mismatch: 'The release or build was made of another commit than the one that was named.',
  release_blocked: 'Somebody blocked the release; the message says who and why.',
  release_in_use: 'An environment runs the release, or has it in its history.',
  environment_locked: 'Somebody locked the environment; the message says who, since when and why.',
  environment_protected: 'The environment is protected: it takes tagged releases only, and is not deleted.',
  configuration_changed: 'Somebody else changed the configuration since the version that was edited.',
  deploy_finished: 'The deploy has already ended.',
  deploy_not_waiting: 'The deploy waits for nothing that could be decided.',
  environment_suspended: 'The environment takes no deploys until it is resumed.',
  state_transition_invalid: 'What is asked cannot happen in the state that the thing has.',
  record_changed: 'Somebody else changed the record, or another Eve has the data directory.',
  lease_lost: 'Another worker has taken the work over; nothing was written.',
  build_finished: 'The build run has already ended.',
  build_active: 'A run of the build is under way; cancel it first.',
  build_in_use: 'A release names the build or one of its images.',
  rollback_target_missing: 'There is no earlier revision that could serve again.',
  volumes_in_use: 'The environment has volumes with data; say so when they are to be removed.',
  key_not_rotatable: 'The operator gives the master key; Eve cannot make another.',
  idempotency_key_reused: 'This Idempotency-Key was used for another request.',
  idempotency_in_progress: 'The first request with this Idempotency-Key is still under way.',
  engine_shared: 'Builds of a second organisation are refused on one shared engine.',
  host_taken: 'Another environment of the installation has this host name.',
  cluster_refused:
    'Kubernetes refused what Eve asked of it; the message says why, and which right or rule is behind it.',
  body_too_large: 'The body is larger than this route takes.',
  rate_limited: 'Too many requests.',
  source_unreachable: 'The repository cannot be reached from the server.',
  engine_unavailable: 'The Docker engine, the build engine, the router or a program they need does not work here.',
  cluster_unreachable: 'The API server of the Kubernetes cluster, or a machine of it, does not answer.',
  registry_unavailable: 'The registry does not answer, or Eve runs none here.',
  database_unavailable: 'PostgreSQL does not answer.',
  disk_full: 'There is no space left.',
  storage_unavailable: 'The bucket that keeps uploaded files and logs does not answer, or refuses Eve.',
};

const buildCodes: Record<BuildFailureCode, string> = {
  auth_error: 'A registry or repository refused the credentials.',
  clone_error: 'The source could not be fetched.',
  build_error: 'A step of the Dockerfile failed, or there was nothing to build.',
  timeout_error: 'The build took longer than it may.',
  resource_error: 'Disk or memory ran out.',
  registry_error: 'The image could not be pushed or pulled.',
  infrastructure_error: 'The builder was lost; retries ran out.',
};

const deployCodes: Record<DeployFailureCode, string> = {
  image_pull_error: 'The engine could not pull an image.',
  port_in_use: 'A port that a service asks for is taken.',
  secret_missing: 'A secret was deleted after the deploy was asked for.',
  container_exited: 'A container ended while it started.',
  health_check_failed: 'A service did not become healthy in time.',
  release_command_failed: 'A release command, such as a migration, did not end with 0.',
  unstable: 'A service was healthy at first and not any more after traffic had moved to it.',
  dependency_failed: 'A service that others depend on failed.',
  digest_mismatch: 'What runs is not the image that the release names.',
  engine_error: 'The engine refused something.',
  resource_error: 'Memory or disk ran out.',
  unschedulable: 'No machine of the cluster has room for an instance, or fits it.',
  quota_exceeded: 'A quota of the namespace leaves no room for an instance.',
  admission_refused: 'An admission rule of the cluster refused an instance; its words are in the message.',
  no_rights: 'Eve lacks a right in the cluster; the message names it.',
  field_conflict: 'Somebody else manages what this deploy would change; the message names who and what.',
  host_taken: 'Another environment has the host name that the manifest asks for.',
  infrastructure_error: 'The worker was lost; retries ran out.',
};

/** docs/errors.md */
export function errorsPage(): string {
  const kinds = Object.entries(answers).map(
    ([kind, { status, exitCode, means }]) => `| \`${kind}\` | ${status} | ${exitCode} | ${means} |`,
  );
  const codes = Object.entries(errorKinds).map(([code, kind]) => {
    // The keys of `errorKinds` are error codes.
    const key = code as ErrorCode;
    const special = exceptions[key];
    return `| \`${code}\` | ${kind} | ${meanings[key]}${special ? ` (${special})` : ''} |`;
  });
  const builds = Object.entries(buildCodes).map(([code, means]) => {
    const { hint, retryHelps } = buildFailure(code as BuildFailureCode, '');
    return `| \`${code}\` | ${means} | ${hint} | ${retryHelps ? 'yes' : 'no'} |`;
  });
  const deploys = Object.entries(deployCodes).map(([code, means]) => {
    const { hint } = deployFailure(code as DeployFailureCode, '');
    return `| \`${code}\` | ${means} | ${hint} |`;
  });
  return page([
    '# Errors',
    made,
    'An answer that is no success is problem JSON (RFC 9457) with a stable `code`. Codes are added and deprecated, never renamed. The form is described in [the API page](api.md#errors).',
    '## Kinds',
    ['| kind | HTTP | `eve` exits with | means |', '| --- | --- | --- | --- |', ...kinds].join('\n'),
    'Anything that is a fault of Eve itself is HTTP 500 with the code `internal_error` and a correlation id that stands in the log.',
    '## Codes',
    ['| code | kind | means |', '| --- | --- | --- |', ...codes].join('\n'),
    '## Why a build failed',
    'A failed build is no error of the API: the build run is recorded as `failed`, with one of these codes, the failing Dockerfile step, the last 30 lines of it and a hint.',
    ['| code | means | hint | may a retry help? |', '| --- | --- | --- | --- |', ...builds].join('\n'),
    '## Why a deploy failed',
    'A failed deploy is recorded as `failed`, with one of these codes, what was probed, and the last 100 lines of the container. What served before goes on serving. The hint here is the standard one; most failures carry a more exact one.',
    ['| code | means | hint |', '| --- | --- | --- |', ...deploys].join('\n'),
  ]);
}

/** docs/configuration.md */
export function configurationPage(): string {
  const defaults: Readonly<Record<string, unknown>> = { ...readConfig({}) };
  const rows = configurationTable.map(({ name, description }) => {
    const value = defaults[name];
    const text = value === undefined || value === '' ? '' : `\`${String(value)}\``;
    return `| \`${name}\` | ${text} | ${(description || others[name] || '').replaceAll('|', '\\|')} |`;
  });
  return page([
    '# Configuration of the server',
    made,
    'Eve reads these environment variables once, when it starts. A wrong value ends the start with a sentence that names the variable. A default that depends on the machine stands in the description. Booleans are `true`, `1`, `yes`, `on` or `false`, `0`, `no`, `off`.',
    ['| variable | default | what it does |', '| --- | --- | --- |', ...rows].join('\n'),
    'The command line has variables of its own: see [its page](cli.md#which-server-which-project).',
  ]);
}

/** docs/commands.md */
export function commandsPage(): string {
  const nouns = [...new Set(allCommands.map(({ name }) => (name.includes(' ') ? (name.split(' ')[0] ?? '') : '')))];
  const parts = nouns.flatMap((noun) => {
    const own = allCommands.filter(({ name }) => (noun === '' ? !name.includes(' ') : name.startsWith(`${noun} `)));
    const about = noun === '' ? 'Everything else' : `\`eve ${noun}\`: ${groups[noun]?.about ?? ''}`;
    return [`## ${about}`, ...own.flatMap(commandParts)];
  });
  return page([
    '# Commands of `eve`',
    made,
    'How the command line finds its server and project, what it prints and what its exit codes mean stands in [its own page](cli.md). Every command also takes `--json`, `--project`, `--org`, `--api-url`, `--profile` and `--help`.',
    ...parts,
  ]);
}

function commandParts({ name, summary, arguments: forms, options, examples }: (typeof allCommands)[number]): string[] {
  const sentence = `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;
  const rows = Object.entries(options).map(([key, { value, about }]) => {
    const option = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    return `| \`--${option}${value ? ` ${value}` : ''}\` | ${about.replaceAll('|', '\\|')} |`;
  });
  return [
    `### \`eve ${[name, ...forms].join(' ')}\``,
    sentence,
    ...(rows.length > 0 ? [['| option | |', '| --- | --- |', ...rows].join('\n')] : []),
    ...(examples.length > 0 ? [`\`\`\`sh\n${examples.join('\n')}\n\`\`\``] : []),
  ];
}

const others: Readonly<Record<string, string>> = {
  EVE_LOG_LEVEL: "How much of Eve's own doings is logged.",
  XDG_DATA_HOME: 'The data directory of the user, `~/.local/share` unless set.',
  XDG_CACHE_HOME: 'The cache directory of the user, `~/.cache` unless set.',
  SSL_CERT_FILE: 'Certificate authorities that git, builds and made base images trust besides.',
  NODE_EXTRA_CA_CERTS: 'The same for Node; made base images trust them too.',
};

function page(parts: readonly string[]): string {
  return `${parts.join('\n\n')}\n`;
}

/** The made pages by their path from the root. */
export function madePages(): ReadonlyMap<string, string> {
  return new Map([
    ['docs/errors.md', errorsPage()],
    ['docs/configuration.md', configurationPage()],
    ['docs/commands.md', commandsPage()],
  ]);
}

/** Which made pages are not what the code says now. */
export async function stalePages(): Promise<string[]> {
  const stale: string[] = [];
  for (const [path, text] of madePages()) {
    if ((await readFile(join(root, path), 'utf8').catch(() => '')) !== text) stale.push(path);
  }
  return stale;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const stale = await stalePages();
  if (process.argv.includes('--check')) {
    for (const path of stale) process.stdout.write(`${path} is stale: run \`node scripts/docs.ts\`\n`);
    process.exitCode = stale.length > 0 ? 1 : 0;
  } else {
    for (const path of stale) {
      await writeFile(join(root, path), madePages().get(path) ?? '');
      process.stdout.write(`${path} written\n`);
    }
  }
}
