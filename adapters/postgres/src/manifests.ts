import type { ManifestRecord, ManifestSync, Records } from '@eve/operations';
import type { Database } from './connection.ts';
import { nothing, part, raw } from './sql.ts';

const columns = raw(
  'manifests.id, manifests.tenant_id as "tenantId", manifests.project_id as "projectId", hash, yaml, created_at as "createdAt"',
);

/** Manifests' exact texts, once each, and the commits that they were synced for. */
export function manifests(database: Database): Records['manifests'] {
  return {
    sync: (manifest, gitSha, branch, at) =>
      database.transaction(async (inside) => {
        const stored = await insertOrGet(inside, manifest);
        await inside.sql`
          insert into manifest_syncs (tenant_id, project_id, manifest_id, git_sha, branch, synced_at)
          values (${stored.tenantId}, ${stored.projectId}, ${stored.id}, ${gitSha}, ${branch}, ${at})
          on conflict (manifest_id, (coalesce(git_sha, ''))) do update
            set branch = coalesce(excluded.branch, manifest_syncs.branch),
                synced_at = greatest(excluded.synced_at, manifest_syncs.synced_at)`;
        return stored;
      }),

    findByHash: (tenantId, projectId, hash) => findByHash(database, { tenantId, projectId, hash }),

    async shasOf(tenantId, projectId, hash) {
      const rows = await database.sql<{ sha: string }>`
        select git_sha as sha from manifest_syncs join manifests on manifests.id = manifest_id
        where manifests.tenant_id = ${tenantId} and manifests.project_id = ${projectId} and hash = ${hash}
          and git_sha is not null
        order by synced_at desc, sequence desc`;
      return rows.map(({ sha }) => sha);
    },

    async findForSha(tenantId, projectId, gitSha) {
      const [row] = await database.sql<ManifestRecord>`
        select ${columns} from manifest_syncs join manifests on manifests.id = manifest_id
        where manifest_syncs.tenant_id = ${tenantId} and manifest_syncs.project_id = ${projectId}
          and git_sha = ${gitSha}
        order by synced_at desc, sequence desc limit 1`;
      return row ?? null;
    },

    async latest(tenantId, projectId, onlyBranch, onlySha) {
      const ofBranch = onlyBranch === undefined ? nothing : part`and branch = ${onlyBranch}`;
      const ofSha = onlySha === undefined ? nothing : part`and git_sha = ${onlySha}`;
      const [row] = await database.sql<ManifestRecord & Omit<ManifestSync, 'manifest'>>`
        select ${columns}, git_sha as "gitSha", branch, synced_at as "syncedAt"
        from manifest_syncs join manifests on manifests.id = manifest_id
        where manifest_syncs.tenant_id = ${tenantId} and manifest_syncs.project_id = ${projectId} ${ofBranch} ${ofSha}
        order by synced_at desc, sequence desc limit 1`;
      if (!row) return null;
      const { gitSha, branch, syncedAt, ...manifest } = row;
      return { manifest, gitSha, branch, syncedAt };
    },
  };
}

async function insertOrGet(inside: Database, manifest: ManifestRecord): Promise<ManifestRecord> {
  const { id, tenantId, projectId, hash, yaml, createdAt } = manifest;
  await inside.sql`
    insert into manifests (id, tenant_id, project_id, hash, yaml, created_at)
    values (${id}, ${tenantId}, ${projectId}, ${hash}, ${yaml}, ${createdAt})
    on conflict (tenant_id, project_id, hash) do nothing`;
  return (await findByHash(inside, manifest)) ?? manifest;
}

async function findByHash(
  { sql }: Database,
  { tenantId, projectId, hash }: Pick<ManifestRecord, 'tenantId' | 'projectId' | 'hash'>,
): Promise<ManifestRecord | null> {
  const [row] = await sql<ManifestRecord>`
    select ${columns} from manifests
    where tenant_id = ${tenantId} and project_id = ${projectId} and hash = ${hash}`;
  return row ?? null;
}
