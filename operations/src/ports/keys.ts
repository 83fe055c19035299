import type { RegistryScope, SealedValue } from '@eve/domain';

/** What tells a master key from others; it tells nothing of the key. */
export interface MasterKeyName {
  readonly masterKeyId: string;
  readonly keyVersion: number;
}

/** Seals secret values (envelope encryption). */
export interface Vault {
  seal(value: string): Promise<SealedValue>;
  /** Throws when the master key is not the one it was sealed with. */
  open(sealed: SealedValue): Promise<string>;
  /** The key that seals now. */
  current(): Promise<MasterKeyName>;
  /** Keys that seal nothing any more and still open what they sealed: a rotation that has not ended. */
  former(): Promise<readonly MasterKeyName[]>;
  /**
   * Makes a new master key that seals from now on; former ones still open what they sealed. Throws `key_not_rotatable` where the
   * operator gives the key. Other processes take it up when they first meet it. Only under the store's lock of master keys.
   */
  rotate(): Promise<MasterKeyName>;
  /** Forgets a former key, once nothing is sealed with it and nothing may be. Only under the store's lock of master keys. */
  forget(masterKeyId: string, keyVersion: number): Promise<void>;
}

/** Signs tokens for the registry that Eve runs (Docker token protocol, RS256, x5c and RFC 7638 kid). */
export interface RegistryTokens {
  sign(grant: {
    subject: string;
    service: string;
    scopes: readonly RegistryScope[];
  }): Promise<{ token: string; expiresInSeconds: number; issuedAt: Date }>;
}
