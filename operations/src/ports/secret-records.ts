import type { OrganisationId, ProjectId, Secret, SecretId, SecretVersion, SecretVersionId } from '@eve/domain';
import type { MasterKeyName } from './keys.ts';
import type { Listed, Page } from './stored.ts';

/** A secret with its current value, sealed. */
export interface StoredSecret {
  readonly secret: Secret;
  readonly version: SecretVersion;
}

/** A secret that a project can use, and whether another one of its name, nearer to the project, comes before it. */
export interface UsableSecret extends Secret {
  readonly wins: boolean;
}

/** An environment whose current revision was made with a version of a secret. */
export interface SecretUse {
  readonly project: string;
  readonly environment: string;
  /** Whether that is the secret's value of now. */
  readonly current: boolean;
}

/** Of a project, of an organisation (project null) or of the whole installation (both null). */
export interface SecretRecords {
  /** Writes a new version and makes it current; makes the secret when it is new. Throws `record_changed` when its master key was retired. */
  put(secret: Secret, version: SecretVersion): Promise<void>;
  find(tenantId: OrganisationId | null, projectId: ProjectId | null, key: string): Promise<StoredSecret | null>;
  /** Of these names, for each that is set, the one that counts: the project's, then the organisation's, then the installation's. */
  winning(tenantId: OrganisationId, projectId: ProjectId, keys: readonly string[]): Promise<readonly StoredSecret[]>;
  /** Of the tenant or of the installation. */
  findVersion(tenantId: OrganisationId, id: SecretVersionId): Promise<SecretVersion | null>;
  list(tenantId: OrganisationId | null, projectId: ProjectId | null, page: Page): Promise<Listed<Secret>>;
  /** What a project can use: of all scopes, or without the installation's. */
  listUsable(
    tenantId: OrganisationId,
    projectId: ProjectId,
    page: Page & { readonly system: boolean },
  ): Promise<Listed<UsableSecret>>;
  /** Of a tenant; at most 100. */
  usedBy(tenantId: OrganisationId, id: SecretId): Promise<readonly SecretUse[]>;
  /** Removes the secret; its versions are revoked. Throws `secret_not_found`. */
  delete(tenantId: OrganisationId | null, projectId: ProjectId | null, key: string, at: Date): Promise<void>;
}

export type SealedVersion = Pick<SecretVersion, 'id' | 'sealed'>;

/** What is sealed with which master key, over all tenants. */
export interface MasterKeyRecords {
  /** Taken until the transaction ends: one at a time changes keys or what is sealed with them. */
  lock(): Promise<void>;
  /** Every key that something is sealed with. */
  names(): Promise<readonly MasterKeyName[]>;
  count(key: MasterKeyName): Promise<number>;
  /** Oldest first, after an id. */
  sealedWith(
    key: MasterKeyName,
    page: { readonly after: SecretVersionId | null; readonly limit: number },
  ): Promise<readonly SealedVersion[]>;
  reseal(versions: readonly SealedVersion[]): Promise<void>;
  /** From now on nothing can be stored that is sealed with it. Only under the lock, and when the count is 0. */
  retire(key: MasterKeyName, at: Date): Promise<void>;
}
