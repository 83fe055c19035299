import { BuildFailed, buildFailure, type ImageReference, PlatformError } from '@eve/domain';
import { ClosedAddress, type HttpAnswer, TooLarge } from './http.ts';

type Where = Pick<ImageReference, 'host' | 'repository'>;

/** What an answer that is no success means. */
export function refusal({ status, headers }: HttpAnswer, { host, repository }: Where): Error {
  if (status === 401 || status === 403)
    return new BuildFailed(
      buildFailure('auth_error', `The registry ${host} refuses access to ${repository} (${status}).`),
    );
  if (status === 429) {
    const after = secondsOf(headers['retry-after']);
    const said = after === null ? '' : ` It asks to wait ${after} s.`;
    return new BuildFailed(
      buildFailure('registry_error', `The registry ${host} takes no more requests for now (429).${said}`, {
        retryClass: 'registry_rate_limit',
        hint: 'Wait, or use a login whose limit is higher.',
      }),
    );
  }
  return new PlatformError('registry_unavailable', `The registry ${host} answered with ${status} for ${repository}.`);
}

/** A registry that holds or says something that cannot be. */
export function broken({ host, repository }: Where, what: string): PlatformError {
  return new PlatformError('registry_unavailable', `The registry ${host} ${what} of ${repository}.`);
}

/** Why no answer came; what passes by itself is `registry_unavailable`. */
export function unreachable(host: string, error: unknown): Error {
  if (error instanceof ClosedAddress) {
    return new BuildFailed(
      buildFailure(
        'registry_error',
        `The registry ${host} leads to an address that is not public (${error.message}).`,
        {
          hint: 'Registries of private networks must be named by the operator in EVE_BUILDKIT_INSECURE_REGISTRIES.',
        },
      ),
    );
  }
  const cause = causeOf(error);
  if (isCertificateError(error)) {
    return new BuildFailed(
      buildFailure('registry_error', `The certificate of the registry ${host} is not trusted: ${cause}`, {
        hint: 'Name a file with its authority in SSL_CERT_FILE of the server and of the build engine, or the host in EVE_BUILDKIT_INSECURE_REGISTRIES.',
      }),
    );
  }
  const what = error instanceof TooLarge ? 'answered with something that is too large' : `cannot be reached: ${cause}`;
  return new PlatformError('registry_unavailable', `The registry ${host} ${what}`, { cause: error });
}

export function isCertificateError(error: unknown): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_(?:GET|VERIFY)|ERR_TLS/.test(codeOf(error));
}

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function causeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors[0]) return causeOf(error.errors[0]);
  return error instanceof Error ? error.message || error.name : String(error);
}

/** Retry-After holds seconds or a date. */
function secondsOf(header: string | undefined): number | null {
  if (!header) return null;
  if (/^\d{1,6}$/.test(header)) return Number(header);
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.max(0, Math.ceil((at - Date.now()) / 1000));
}
