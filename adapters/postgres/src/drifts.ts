import type { Drift } from '@eve/domain';
import type { Records } from '@eve/operations';
import type { Database } from './connection.ts';
import { listed } from './paging.ts';
import { json, part, raw } from './sql.ts';

const columns = raw(
  [
    'id, tenant_id as "tenantId", project_id as "projectId", environment_id as "environmentId"',
    'revision_id as "revisionId", differences, detected_at as "detectedAt", seen_at as "seenAt"',
    'cleared_at as "clearedAt", repair_deploy_id as "repairDeployId"',
  ].join(', '),
);

/** Times in which environments were not as recorded. */
export function drifts(database: Database): Records['drifts'] {
  const { sql } = database;
  return {
    async current(tenantId, environmentId) {
      const [row] = await sql<Drift>`
        select ${columns} from drifts
        where tenant_id = ${tenantId} and environment_id = ${environmentId} and cleared_at is null`;
      return row ?? null;
    },

    lasting: () => sql<Drift>`select ${columns} from drifts where cleared_at is null order by environment_id`,

    async put(drift) {
      const { id, tenantId, projectId, environmentId, revisionId, differences, detectedAt, seenAt, clearedAt } = drift;
      await sql`
        insert into drifts (id, tenant_id, project_id, environment_id, revision_id, differences, detected_at, seen_at,
          cleared_at, repair_deploy_id)
        values (${id}, ${tenantId}, ${projectId}, ${environmentId}, ${revisionId}, ${json(differences)}, ${detectedAt},
          ${seenAt}, ${clearedAt}, ${drift.repairDeployId})
        on conflict (id) do update
          set differences = excluded.differences, seen_at = excluded.seen_at, cleared_at = excluded.cleared_at,
            repair_deploy_id = excluded.repair_deploy_id
          where drifts.tenant_id = excluded.tenant_id`;
    },

    list: (tenantId, environmentId, page) =>
      listed(database, {
        columns,
        table: raw('drifts'),
        where: part`tenant_id = ${tenantId} and environment_id = ${environmentId}`,
        page,
      }),
  };
}

/** A drift whose times came as text, out of JSON. */
export function readDrift(drift: Drift): Drift {
  const { detectedAt, seenAt, clearedAt } = drift;
  return {
    ...drift,
    detectedAt: new Date(detectedAt),
    seenAt: new Date(seenAt),
    clearedAt: clearedAt && new Date(clearedAt),
  };
}
