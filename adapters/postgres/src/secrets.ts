import {
  type OrganisationId,
  PlatformError,
  type ProjectId,
  type SealedValue,
  type Secret,
  type SecretVersion,
} from '@eve/domain';
import type { Records } from '@eve/operations';
import type { Database } from './connection.ts';
import { listed } from './paging.ts';
import { part, raw, type SqlPart } from './sql.ts';

const columns = raw(
  'id, tenant_id as "tenantId", project_id as "projectId", key, current_version_id as "currentVersionId", created_at as "createdAt", updated_at as "updatedAt"',
);
const versionColumns = raw(
  'id, tenant_id as "tenantId", secret_id as "secretId", master_key_id as "masterKeyId", key_version as "keyVersion", wrapped_key as "wrappedKey", nonce, ciphertext, created_by as "createdBy", created_at as "createdAt", revoked_at as "revokedAt"',
);

type VersionRow = Omit<SecretVersion, 'sealed'> & SealedValue;

/** Secrets: names, and values that are sealed before they come here. */
export function secrets(database: Database): Records['secrets'] {
  const { sql } = database;
  return {
    put: (secret, version) => database.transaction((inside) => put(inside, secret, version)),

    async find(tenantId, projectId, key) {
      const [secret] =
        await sql<Secret>`select ${columns} from secrets where ${place(tenantId, projectId)} and key = ${key}`;
      if (!secret) return null;
      const version = await findVersion(database, tenantId, secret.currentVersionId);
      return version && { secret, version };
    },

    findVersion: (tenantId, id) => findVersion(database, tenantId, id),

    list: (tenantId, projectId, page) =>
      listed(database, { columns, table: raw('secrets'), where: place(tenantId, projectId), page }),

    delete: (tenantId, projectId, key, at) =>
      database.transaction(async (inside) => {
        const [deleted] = await inside.sql<{ id: string }>`
          update secrets set deleted_at = ${at}, updated_at = ${at}
          where ${place(tenantId, projectId)} and key = ${key} returning id`;
        if (!deleted) throw new PlatformError('secret_not_found', `There is no secret ${key}.`);
        await inside.sql`
          update secret_versions set revoked_at = ${at}
          where tenant_id = ${tenantId} and secret_id = ${deleted.id} and revoked_at is null`;
      }),
  };
}

function place(tenantId: OrganisationId, projectId: ProjectId | null): SqlPart {
  return part`tenant_id = ${tenantId} and coalesce(project_id, '') = ${projectId ?? ''} and deleted_at is null`;
}

async function put(
  { sql }: Database,
  secret: Secret,
  { id, sealed, createdBy, createdAt }: SecretVersion,
): Promise<void> {
  const { tenantId, projectId, key, updatedAt } = secret;
  // The version is written after the secret that names it: that reference is checked at the end of the transaction.
  const [stored] = await sql<{ id: string }>`
    insert into secrets (id, tenant_id, project_id, key, current_version_id, created_at, updated_at)
    values (${secret.id}, ${tenantId}, ${projectId}, ${key}, ${id}, ${secret.createdAt}, ${updatedAt})
    on conflict (tenant_id, (coalesce(project_id, '')), key) where deleted_at is null
      do update set current_version_id = excluded.current_version_id, updated_at = excluded.updated_at
    returning id`;
  await sql`
    insert into secret_versions
      (id, tenant_id, secret_id, master_key_id, key_version, wrapped_key, nonce, ciphertext, created_by, created_at)
    values (${id}, ${tenantId}, ${stored?.id}, ${sealed.masterKeyId}, ${sealed.keyVersion}, ${sealed.wrappedKey},
      ${sealed.nonce}, ${sealed.ciphertext}, ${createdBy}, ${createdAt})`;
}

async function findVersion({ sql }: Database, tenantId: OrganisationId, id: string): Promise<SecretVersion | null> {
  const [row] = await sql<VersionRow>`
    select ${versionColumns} from secret_versions where id = ${id} and tenant_id = ${tenantId}`;
  if (!row) return null;
  const { masterKeyId, keyVersion, wrappedKey, nonce, ciphertext, ...version } = row;
  return { ...version, sealed: { masterKeyId, keyVersion, wrappedKey, nonce, ciphertext } };
}
