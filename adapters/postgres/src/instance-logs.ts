import type { InstanceLog, Records } from '@eve/operations';
import type { Database } from './connection.ts';
import { nothing, part, raw } from './sql.ts';

const columns = raw(
  [
    'tenant_id as "tenantId", environment_id as "environmentId", service, instance, deploy_id as "deployId"',
    'from_time as "from", to_time as "to", lines, key, size_bytes as "sizeBytes", archived_at as "archivedAt"',
  ].join(', '),
);

/** Where the logs of removed instances are. */
export function instanceLogs({ sql }: Database): Records['instanceLogs'] {
  return {
    async insert({
      tenantId,
      environmentId,
      service,
      instance,
      deployId,
      from,
      to,
      lines,
      key,
      sizeBytes,
      archivedAt,
    }) {
      await sql`
        insert into instance_logs (key, tenant_id, environment_id, deploy_id, service, instance, from_time, to_time,
          lines, size_bytes, archived_at)
        values (${key}, ${tenantId}, ${environmentId}, ${deployId}, ${service}, ${instance}, ${from}, ${to}, ${lines},
          ${sizeBytes}, ${archivedAt})
        on conflict (key) do update
          set from_time = excluded.from_time, to_time = excluded.to_time, lines = excluded.lines,
            size_bytes = excluded.size_bytes, archived_at = excluded.archived_at`;
    },

    list: (tenantId, environmentId, { service, since }) => sql<InstanceLog>`
      select ${columns} from instance_logs
      where tenant_id = ${tenantId} and environment_id = ${environmentId}
        ${service === undefined ? nothing : part`and service = ${service}`}
        ${since === undefined ? nothing : part`and to_time >= ${since}`}
      order by from_time, key`,

    older: (before, limit) => sql<InstanceLog>`
      select ${columns} from instance_logs where archived_at < ${before} order by archived_at limit ${limit}`,

    async delete(key) {
      await sql`delete from instance_logs where key = ${key}`;
    },
  };
}
