import type { MasterKeyName } from '@eve/operations';
import type { MasterKey } from './envelope.ts';

/** The master keys of an installation, as they are now. */
export interface KeyRing {
  readonly current: MasterKey;
  /** They still open what they sealed. */
  readonly former: readonly MasterKey[];
}

/** Where a key ring comes from, and how it is changed. */
export interface KeyRingPlace {
  read(): Promise<KeyRing>;
  add(): Promise<KeyRing>;
  remove(key: MasterKeyName): Promise<void>;
}

/** Whether a name is this key's. */
export function isNamed({ id, version }: MasterKey, { masterKeyId, keyVersion }: MasterKeyName): boolean {
  return id === masterKeyId && version === keyVersion;
}
