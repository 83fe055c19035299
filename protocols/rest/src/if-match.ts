import { PlatformError } from '@eve/domain';

/** The version that a request names in If-Match, without its quotes; undefined where it names none, or any (`*`). */
export function ifMatch(headers: Readonly<Record<string, unknown>>): string | undefined {
  const given = headers['if-match'];
  if (given === undefined || given === '*') return undefined;
  const version = typeof given === 'string' ? /^"([\x21\x23-\x7e]{1,64})"$/.exec(given)?.[1] : undefined;
  if (version === undefined)
    throw new PlatformError('request_invalid', 'Write If-Match as one version in quotes, as ETag gave it.');
  return version;
}
