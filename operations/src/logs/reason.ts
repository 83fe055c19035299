import { PlatformError } from '@eve/domain';

/** What may be said to a user of an error of ours: the sentence of an expected one, or that it was unexpected. */
export function reasonOf(error: unknown): string {
  return error instanceof PlatformError
    ? error.message
    : 'Something unexpected went wrong; the cause is in the log of Eve itself.';
}
