import type { RegistryScope, SealedValue } from '@eve/domain';

/** Seals secret values (envelope encryption). */
export interface Vault {
  seal(value: string): Promise<SealedValue>;
  /** Throws when the master key is not the one it was sealed with. */
  open(sealed: SealedValue): Promise<string>;
}

/** Signs tokens for the registry that Eve runs (Docker token protocol, RS256, x5c and RFC 7638 kid). */
export interface RegistryTokens {
  sign(grant: {
    subject: string;
    service: string;
    scopes: readonly RegistryScope[];
  }): Promise<{ token: string; expiresInSeconds: number; issuedAt: Date }>;
}
