import { ApiError } from '@eve/protocol-rest/client';
import { CommanderError } from 'commander';
import { CommandFailed, exitCodes } from './failure.ts';
import { duration } from './output/text.ts';

/** The last call that did not succeed: what the error line names. */
export interface FailedCall {
  readonly method: string;
  readonly path: string;
}

/** An error as it is told: lines for a person, an object for a script. */
export interface Report {
  readonly exitCode: number;
  readonly lines: readonly string[];
  readonly json: object;
}

export function reportOf(
  error: unknown,
  { call, url, meant }: { call?: FailedCall | undefined; url?: string | undefined; meant?: string | null } = {},
): Report {
  if (error instanceof ApiError) return ofApi(error, call, url);
  if (error instanceof CommanderError) {
    const message = error.message.replace(/^error: /, '');
    const sentence = `${message.charAt(0).toUpperCase()}${message.slice(1)}`;
    return report(exitCodes.usage, 'usage', sentence, [
      sentence,
      ...(meant ? [meant] : []),
      'See `eve --help`, or `eve <command> --help`.',
    ]);
  }
  if (error instanceof CommandFailed) {
    return report(error.exitCode, error.code, error.message, [error.message, ...error.advice], {
      advice: error.advice,
    });
  }
  const message = error instanceof Error ? error.message : String(error);
  return report(exitCodes.failed, 'cli_error', message, [`Unexpected: ${message}`, ...stackOf(error)]);
}

function report(exitCode: number, code: string, message: string, lines: readonly string[], more: object = {}): Report {
  return { exitCode, lines, json: { error: { code, message, exit_code: exitCode, ...more } } };
}

function ofApi(error: ApiError, call: FailedCall | undefined, url: string | undefined): Report {
  const { status, code, message, details, retryAfter, correlationId } = error;
  const exitCode = exitCodeOf(error);
  const more = {
    status,
    errors: details,
    retry_after: retryAfter,
    correlation_id: correlationId,
    ...(call && { method: call.method, path: call.path }),
  };
  if (status === 0) {
    return report(
      exitCode,
      code,
      message,
      [
        message,
        `Is Eve running at ${url ?? 'that address'}? Start it with \`npm start\`, or name another server with --api-url.`,
      ],
      more,
    );
  }
  const lines = [
    adviceOf(error, url),
    `HTTP ${status}: ${call ? `while calling ${call.method} ${call.path}: ` : ''}${message}`,
    ...details.filter((detail) => !isSaid(detail, message)).map((detail) => `  ${placeOf(detail)}${detail.message}`),
    ...(status >= 500 && correlationId !== null ? [`  Correlation id: ${correlationId}`] : []),
  ];
  return report(exitCode, code, message, lines, more);
}

/** Whether a detail only repeats the sentence above it. */
function isSaid(detail: { message: string; line?: number | undefined }, message: string): boolean {
  return detail.line === undefined && message.includes(detail.message);
}

/** Where a detail is: line and column of a document, else the path of the field. */
export function placeOf({
  path,
  line,
  column,
}: {
  path: string;
  line?: number | undefined;
  column?: number | undefined;
}): string {
  const at = line === undefined ? '' : `${line}:${column ?? 1} `;
  return path === '' ? at && `${at.trimEnd()}: ` : `${at}${path}: `;
}

/** 0 is no answer at all. */
export function exitCodeOf({ status, code }: Pick<ApiError, 'status' | 'code'>): number {
  if (status === 0 || status === 408 || status === 429 || status === 502 || status === 503 || status === 504) {
    return exitCodes.tryAgain;
  }
  if (status === 401 || status === 403 || status === 404) return exitCodes.notFound;
  if (status === 409) return exitCodes.conflict;
  if (wrongWords.has(code)) return exitCodes.usage;
  return exitCodes.failed;
}

/** What is asked for has a wrong form, as opposed to what stands in the way of it. */
const wrongWords: ReadonlySet<string> = new Set([
  'request_invalid',
  'body_invalid',
  'deploy_request_invalid',
  'strategy_invalid',
]);

const byCode: Readonly<Record<string, string>> = {
  manifest_invalid: 'The manifest has mistakes; the numbers are line:column.',
  manifest_missing:
    'There is no manifest for this commit: commit .eve/manifest.yaml (`eve init` writes one), or sync it with `eve project sync`.',
  manifest_hash_unknown: 'This manifest was not synced for this commit: run `eve project sync`, or give --repo-dir.',
  manifest_hash_mismatch:
    'The manifest differs from the one that was synced: run `eve project sync`, or give --repo-dir.',
  secret_missing: 'Secrets are missing: set them with `eve secrets set <NAME> -`, which reads the value from stdin.',
  ref_not_found:
    'The repository has no such branch, tag or commit; is it pushed? With --repo-dir your own copy is used.',
  source_unreachable: 'The repository cannot be reached from the server; with --repo-dir your own copy is used.',
  artifacts_missing: 'There are no images of it yet.',
  project_not_found: 'There is no such project, or this token may not see it. See `eve project list`.',
  environment_not_found:
    'There is no such environment. See `eve env list`; a deploy makes those that the manifest names.',
  environment_locked: 'Nothing is deployed there now. Who holds it and since when: `eve env status <env>`.',
  environment_suspended: 'Nothing is deployed there until it is resumed.',
  environment_protected: 'That environment is protected.',
  configuration_changed: 'Somebody else was faster; nothing was changed.',
  release_blocked: 'That release must not be deployed any more.',
  rollback_target_missing: 'There is no going back to that. See `eve env history <env>`.',
  approval_forbidden: 'Ask somebody else to approve it.',
  deploy_finished: 'Too late.',
  deploy_not_waiting: 'It does not wait for that.',
  strategy_invalid: 'That is no strategy.',
  token_expired: 'The token has expired: log in with a new one (`eve auth login`).',
};

function adviceOf({ status, code, retryAfter }: ApiError, url: string | undefined): string {
  const known = byCode[code];
  if (known) return known;
  const later = retryAfter === null ? 'Try again shortly.' : `Try again in ${duration(retryAfter * 1000)}.`;
  if (status === 401)
    return `${url ?? 'The server'} does not accept this token: log in with \`eve auth login\`, or set EVE_TOKEN.`;
  if (status === 403) return 'This token has no right to do that. See `eve auth status`.';
  if (status === 404) return 'It is not there, or this token may not see it.';
  if (status === 409) return 'That conflicts with how things stand.';
  if (status === 413) return 'That is more than the server takes.';
  if (status === 429) return `The server asks for a slower pace. ${later}`;
  if (status === 502 || status === 503 || status === 504) return `The server cannot do that right now. ${later}`;
  if (status >= 500) return 'The server failed; nothing is wrong with the command.';
  return 'The server refused the request.';
}

function stackOf(error: unknown): string[] {
  return error instanceof Error && error.stack ? error.stack.split('\n').slice(1, 4) : [];
}
