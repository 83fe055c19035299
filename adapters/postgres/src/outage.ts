import { errorCode } from './error-code.ts';

// Nobody listens at the port, or at the socket; or the server says that it starts, recovers or stops.
const refusals = new Set(['ECONNREFUSED', 'ENOENT', '57P03']);

/**
 * Whether an attempt to connect says that nobody at all can use the database now. A timeout, an unknown host or a
 * connection that was accepted and broke say nothing of the kind: perhaps only we are cut off.
 */
export function isDownForEverybody(error: unknown): boolean {
  // Of a name with several addresses each must have refused.
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(isDownForEverybody);
  return refusals.has(errorCode(error) ?? '');
}
