import {
  type OrganisationId,
  PlatformError,
  type ProjectId,
  type SealedValue,
  type Secret,
  type SecretVersion,
} from '@eve/domain';
import type { SecretRecords, SecretUse, StoredSecret, UsableSecret } from '@eve/operations';
import type { Database } from './connection.ts';
import { errorCode } from './error-code.ts';
import { listed } from './paging.ts';
import { part, raw, type SqlPart } from './sql.ts';

const columns = raw(
  'id, tenant_id as "tenantId", project_id as "projectId", key, current_version_id as "currentVersionId", created_at as "createdAt", updated_at as "updatedAt"',
);
const versionColumns = raw(
  'id, tenant_id as "tenantId", secret_id as "secretId", master_key_id as "masterKeyId", key_version as "keyVersion", wrapped_key as "wrappedKey", nonce, ciphertext, created_by as "createdBy", created_at as "createdAt", revoked_at as "revokedAt"',
);
const systemVersionColumns = raw(
  'id, null, secret_id, master_key_id, key_version, wrapped_key, nonce, ciphertext, created_by, created_at, revoked_at',
);
const rowColumns = 'id, tenant_id, project_id, key, current_version_id, created_at, updated_at';
const systemRows = raw(
  `select ${rowColumns.replace('tenant_id, project_id', 'null, null')} from system_secrets where deleted_at is null`,
);
/** Every secret that is set, the installation's as those of nobody. */
const allSecrets = part`(select ${raw(rowColumns)} from secrets where deleted_at is null union all ${systemRows}) as secrets`;
const nearestFirst = raw('tenant_id nulls last, project_id nulls last');

type VersionRow = Omit<SecretVersion, 'sealed'> & SealedValue;

/** Secrets: names, and values that are sealed before they come here. */
export function secrets(database: Database): SecretRecords {
  const { sql } = database;
  return {
    put: (secret, version) => database.transaction((inside) => put(inside, secret, version)),

    async find(tenantId, projectId, key) {
      const [secret] = await sql<Secret>`
        select ${columns} from ${allSecrets} where ${place(tenantId, projectId)} and key = ${key}`;
      if (!secret) return null;
      const [version] = await versionsOf(database, [secret]);
      return version ? { secret, version } : null;
    },

    async winning(tenantId, projectId, keys) {
      const found = await sql<Secret>`
        select distinct on (key) ${columns} from ${usable(tenantId, projectId)} where key = any(${keys})
        order by key, ${nearestFirst}`;
      const versions = new Map((await versionsOf(database, found)).map((version) => [version.id, version]));
      return found.flatMap((secret): StoredSecret[] => {
        const version = versions.get(secret.currentVersionId);
        return version ? [{ secret, version }] : [];
      });
    },

    async findVersion(tenantId, id) {
      const [row] = await sql<VersionRow>`
        select ${versionColumns} from secret_versions where id = ${id} and tenant_id = ${tenantId}
        union all select ${systemVersionColumns} from system_secret_versions where id = ${id}`;
      return row ? readVersion(row) : null;
    },

    list: (tenantId, projectId, page) =>
      listed(database, { columns, table: allSecrets, where: place(tenantId, projectId), page }),

    listUsable: (tenantId, projectId, { system, ...page }) =>
      listed<UsableSecret>(database, {
        columns: part`${columns}, wins`,
        table: part`(
          select *, row_number() over (partition by key order by ${nearestFirst}) = 1 as wins
          from ${usable(tenantId, projectId)}) as usable`,
        where: part`(${system} or tenant_id is not null)`,
        page,
      }),

    usedBy: (tenantId, id) => sql<SecretUse>`
      select projects.slug as project, environments.name as environment,
        bool_and(versions.id = coalesce(secrets.current_version_id, system_secrets.current_version_id)) as current
      from environments
        join projects on projects.id = environments.project_id
        join revisions on revisions.id = environments.current_revision_id
        cross join lateral jsonb_each_text(revisions.secret_versions) as used (key, version_id)
        join (
          select id, secret_id from secret_versions where tenant_id = ${tenantId} and secret_id = ${id}
          union all select id, secret_id from system_secret_versions where secret_id = ${id}
        ) as versions on versions.id = used.version_id
        left join secrets on secrets.id = versions.secret_id
        left join system_secrets on system_secrets.id = versions.secret_id
      where environments.tenant_id = ${tenantId}
      group by projects.slug, environments.name order by projects.slug, environments.name limit 100`,

    delete: (tenantId, projectId, key, at) =>
      database.transaction(async (inside) => {
        const [deleted] =
          tenantId === null
            ? await inside.sql<{ id: string }>`
                update system_secrets set deleted_at = ${at}, updated_at = ${at}
                where deleted_at is null and key = ${key} returning id`
            : await inside.sql<{ id: string }>`
                update secrets set deleted_at = ${at}, updated_at = ${at}
                where ${place(tenantId, projectId)} and deleted_at is null and key = ${key} returning id`;
        if (!deleted) throw new PlatformError('secret_not_found', `There is no secret ${key}.`);
        const versions = raw(tenantId === null ? 'system_secret_versions' : 'secret_versions');
        await inside.sql`
          update ${versions} set revoked_at = ${at} where secret_id = ${deleted.id} and revoked_at is null`;
      }),
  };
}

function place(tenantId: OrganisationId | null, projectId: ProjectId | null): SqlPart {
  if (tenantId === null) return part`tenant_id is null`;
  return part`tenant_id = ${tenantId} and coalesce(project_id, '') = ${projectId ?? ''}`;
}

/** What a project may use, its own or a wider scope's. */
function usable(tenantId: OrganisationId, projectId: ProjectId): SqlPart {
  return part`(
    select ${raw(rowColumns)} from secrets
    where tenant_id = ${tenantId} and coalesce(project_id, '') in ('', ${projectId}) and deleted_at is null
    union all ${systemRows}) as secrets`;
}

async function put(database: Database, secret: Secret, version: SecretVersion): Promise<void> {
  const { id, sealed, createdBy, createdAt } = version;
  const named = { ...secret, currentVersionId: id };
  const stored = secret.tenantId === null ? await putSystem(database, named) : await putOwned(database, named);
  const into =
    secret.tenantId === null
      ? part`system_secret_versions (id, secret_id,`
      : part`secret_versions (id, secret_id, tenant_id,`;
  const tenant = secret.tenantId === null ? part`` : part`${secret.tenantId},`;
  try {
    await database.sql`
      insert into ${into} master_key_id, key_version, wrapped_key, nonce, ciphertext, created_by, created_at)
      values (${id}, ${stored}, ${tenant} ${sealed.masterKeyId}, ${sealed.keyVersion}, ${sealed.wrappedKey},
        ${sealed.nonce}, ${sealed.ciphertext}, ${createdBy}, ${createdAt})`;
  } catch (error) {
    if (errorCode(error) !== 'EV001') throw error;
    throw new PlatformError(
      'record_changed',
      `Master key ${sealed.masterKeyId} was retired: nothing can be sealed with it any more. Does this server still run with a former EVE_MASTER_KEY?`,
    );
  }
}

// The version is written after the secret that names it: that reference is checked at the end of the transaction.

async function putOwned({ sql }: Database, secret: Secret): Promise<string | undefined> {
  const { id, tenantId, projectId, key, currentVersionId, createdAt, updatedAt } = secret;
  const [stored] = await sql<{ id: string }>`
    insert into secrets (id, tenant_id, project_id, key, current_version_id, created_at, updated_at)
    values (${id}, ${tenantId}, ${projectId}, ${key}, ${currentVersionId}, ${createdAt}, ${updatedAt})
    on conflict (tenant_id, (coalesce(project_id, '')), key) where deleted_at is null
      do update set current_version_id = excluded.current_version_id, updated_at = excluded.updated_at
    returning id`;
  return stored?.id;
}

async function putSystem({ sql }: Database, secret: Secret): Promise<string | undefined> {
  const { id, key, currentVersionId, createdAt, updatedAt } = secret;
  const [stored] = await sql<{ id: string }>`
    insert into system_secrets (id, key, current_version_id, created_at, updated_at)
    values (${id}, ${key}, ${currentVersionId}, ${createdAt}, ${updatedAt})
    on conflict (key) where deleted_at is null
      do update set current_version_id = excluded.current_version_id, updated_at = excluded.updated_at
    returning id`;
  return stored?.id;
}

/** The current versions of secrets. */
async function versionsOf({ sql }: Database, found: readonly Secret[]): Promise<readonly SecretVersion[]> {
  if (found.length === 0) return [];
  const ids = found.map(({ currentVersionId }) => currentVersionId);
  const rows = await sql<VersionRow>`
    select ${versionColumns} from secret_versions where id = any(${ids})
    union all select ${systemVersionColumns} from system_secret_versions where id = any(${ids})`;
  return rows.map(readVersion);
}

function readVersion(row: VersionRow): SecretVersion {
  const { masterKeyId, keyVersion, wrappedKey, nonce, ciphertext, ...version } = row;
  return { ...version, sealed: { masterKeyId, keyVersion, wrappedKey, nonce, ciphertext } };
}
