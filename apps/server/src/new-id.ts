import { randomBytes } from 'node:crypto';
import { encodeId, type Id, uuidV7 } from '@eve/domain';

/** A new id of this moment. */
export function newId<Prefix extends string>(prefix: Prefix): Id<Prefix> {
  return encodeId(prefix, uuidV7(Date.now(), randomBytes(10)));
}
