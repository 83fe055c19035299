import { type ErrorCode, PlatformError } from '@eve/domain';

/** Where a bucket is, as operators know it. */
export interface BucketPlace {
  readonly bucket: string;
  readonly server: string;
}

interface Reason {
  readonly says: string;
  readonly code?: ErrorCode;
}

const credentials = 'EVE_BLOBS_S3_ACCESS_KEY_ID and EVE_BLOBS_S3_SECRET_ACCESS_KEY';
const wrongCredentials = { says: `does not accept the credentials: check ${credentials}` };
const wrongRegion = { says: 'is in another region: correct EVE_BLOBS_S3_REGION, or EVE_BLOBS_S3_ENDPOINT' };
const isFull: Reason = { says: 'is full: make room in it, or raise its quota', code: 'disk_full' };

const reasons: Readonly<Record<string, Reason>> = {
  NoSuchBucket: { says: 'does not exist: make it, or correct EVE_BLOBS_S3' },
  InvalidAccessKeyId: wrongCredentials,
  SignatureDoesNotMatch: wrongCredentials,
  InvalidToken: wrongCredentials,
  RequestTimeTooSkewed: { says: 'has another time than this machine: set its clock' },
  PermanentRedirect: wrongRegion,
  TemporaryRedirect: wrongRegion,
  AuthorizationHeaderMalformed: wrongRegion,
  QuotaExceeded: isFull,
  XMinioStorageFull: isFull,
};

/** What a bucket's refusal means to operators. */
export function refusal(
  place: BucketPlace,
  { status, code, attempts }: { status: number; code: string; attempts: number },
): PlatformError {
  const reason = reasons[code] ?? reasonOf(status, attempts);
  const answer = [`status ${status}`, code].filter(Boolean).join(', ');
  return new PlatformError(reason.code ?? 'storage_unavailable', `${nameOf(place)} ${reason.says} (${answer}).`);
}

/** A bucket whose server does not answer at all. */
export function unreachable(place: BucketPlace, attempts: number, cause: Error): PlatformError {
  // What `fetch` throws holds the reason inside.
  const { code, message } = (cause.cause ?? cause) as NodeJS.ErrnoException;
  return new PlatformError(
    'storage_unavailable',
    `${nameOf(place)} could not be reached in ${attempts} attempts (${code ?? message}): check EVE_BLOBS_S3_ENDPOINT and the network.`,
    { cause },
  );
}

/** A bucket that answers with something else than S3 does, or with other bytes than were stored. */
export function unusable(place: BucketPlace, says: string): PlatformError {
  return new PlatformError('storage_unavailable', `${nameOf(place)} ${says}.`);
}

function reasonOf(status: number, attempts: number): Reason {
  if (status === 507) return isFull;
  if (status >= 300 && status < 400) return wrongRegion;
  if (status === 401 || status === 403)
    return {
      says: `refuses Eve: ${credentials} must allow to list the bucket, and to get, put and delete its objects`,
    };
  return { says: attempts > 1 ? `did not answer as it should in ${attempts} attempts` : 'did not answer as it should' };
}

function nameOf({ bucket, server }: BucketPlace): string {
  return `The bucket ${bucket} at ${server}`;
}
