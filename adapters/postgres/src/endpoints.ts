import type { Endpoint, Records } from '@eve/operations';
import type { Database } from './connection.ts';
import { json, part, raw } from './sql.ts';
import { writeUnderLease } from './state-change.ts';

const columns = raw(
  'tenant_id as "tenantId", environment_id as "environmentId", deploy_id as "deployId", service, instance, container_port as "containerPort", host, port, state, weight, warm_until as "warmUntil"',
);

/** Where instances are reached, as the router must know it. */
export function endpoints(database: Database): Records['endpoints'] {
  const { sql } = database;
  return {
    async upsert(endpoint, lease) {
      const { tenantId, environmentId, deployId, service, instance, containerPort, host, port, state } = endpoint;
      await writeUnderLease(
        database,
        lease,
        part`
          insert into endpoints
            (tenant_id, environment_id, deploy_id, service, instance, container_port, host, port, state, weight,
              warm_until)
          select ${tenantId}, ${environmentId}, ${deployId}, ${service}, ${instance}, ${containerPort}::integer, ${host},
            ${port}::integer, ${state}, ${endpoint.weight}::integer, ${endpoint.warmUntil}::timestamptz
          from held
          on conflict (environment_id, instance, container_port) do update
            set deploy_id = excluded.deploy_id, service = excluded.service, host = excluded.host,
              port = excluded.port, state = excluded.state, weight = excluded.weight,
              warm_until = excluded.warm_until
          returning 1`,
      );
    },

    async switchTo(tenantId, environmentId, weights, lease) {
      const instances = Object.keys(weights);
      await writeUnderLease(
        database,
        lease,
        part`
          update endpoints set
            state = case when instance = any(${instances}::text[]) then 'serving' else 'draining' end,
            weight = coalesce((${json(weights)}::jsonb ->> instance)::integer, weight),
            warm_until = null
          where tenant_id = ${tenantId} and environment_id = ${environmentId}
            and (state = 'serving' or instance = any(${instances}::text[])) and exists (select from held)
          returning 1`,
      );
    },

    async keepWarm(tenantId, environmentId, instances, until, lease) {
      await writeUnderLease(
        database,
        lease,
        part`
          update endpoints set state = 'warm', warm_until = ${until}::timestamptz
          where tenant_id = ${tenantId} and environment_id = ${environmentId} and state = 'draining'
            and instance = any(${instances}::text[]) and exists (select from held)
          returning 1`,
      );
    },

    async removeInstances(tenantId, environmentId, instances, lease) {
      await writeUnderLease(
        database,
        lease,
        part`
          delete from endpoints
          where tenant_id = ${tenantId} and environment_id = ${environmentId} and instance = any(${instances}::text[])
            and exists (select from held)
          returning 1`,
      );
    },

    listOfEnvironment: (tenantId, environmentId) => sql<Endpoint>`
      select ${columns} from endpoints where tenant_id = ${tenantId} and environment_id = ${environmentId}
      order by service, instance, container_port`,

    async nextRoutingVersion() {
      const [row] = await sql<{ version: number }>`update routing set version = version + 1 returning version`;
      if (!row) throw new Error('The version of the routing table is missing.');
      return row.version;
    },

    async routingVersion() {
      const [row] = await sql<{ version: number }>`select version from routing`;
      return row?.version ?? 0;
    },

    listAll: () => sql<Endpoint>`
      select ${columns} from endpoints order by environment_id, service, instance, container_port`,
  };
}
