import type { OrganisationId, ProjectId, SecretId, SecretVersionId } from './id.ts';

/** A secret's name and place; its values are versions, encrypted. Scope order on reading: project, organisation, system. */
export interface Secret {
  readonly id: SecretId;
  /** Null: a secret of the whole installation, which every organisation may use and operators alone see. */
  readonly tenantId: OrganisationId | null;
  /** Null: a secret of the organisation, or of the installation. */
  readonly projectId: ProjectId | null;
  readonly key: string;
  readonly currentVersionId: SecretVersionId;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** One value of a secret; the ciphertext is sealed with a data key that the master key wraps. */
export interface SecretVersion {
  readonly id: SecretVersionId;
  readonly tenantId: OrganisationId | null;
  readonly secretId: SecretId;
  readonly sealed: SealedValue;
  readonly createdBy: string | null;
  readonly createdAt: Date;
  readonly revokedAt: Date | null;
}

/** An envelope: base64 fields, with the master key's id and version, so that keys can be rotated. */
export interface SealedValue {
  readonly masterKeyId: string;
  readonly keyVersion: number;
  readonly wrappedKey: string;
  readonly nonce: string;
  readonly ciphertext: string;
}

export type SecretScope = 'project' | 'organisation' | 'system';

/** How widely a secret is shared: the narrowest scope that has a name wins. */
export function secretScope({ tenantId, projectId }: Pick<Secret, 'tenantId' | 'projectId'>): SecretScope {
  if (projectId !== null) return 'project';
  return tenantId === null ? 'system' : 'organisation';
}

/** Secret names are names of environment variables. */
export function isSecretName(text: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(text);
}

/** What may be shown of a secret's value: stars, with first and last characters of longer ones. */
export function maskSecret(value: string): string {
  if (value.length <= 2) return '*'.repeat(value.length);
  if (value.length <= 8) return `${value[0]}${'*'.repeat(value.length - 2)}${value.at(-1)}`;
  return `${value.slice(0, 4)}${'*'.repeat(value.length - 8)}${value.slice(-4)}`;
}
