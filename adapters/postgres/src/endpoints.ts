import { PlatformError } from '@eve/domain';
import type { Endpoint, Records, ServiceAddress } from '@eve/operations';
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

const addressColumns = raw(
  'tenant_id as "tenantId", environment_id as "environmentId", service, container_port as "containerPort", protocol, port',
);
const lastPort = 65_535;

/** Loopback ports that services were given once. */
export function addresses(database: Database): Records['addresses'] {
  const { sql } = database;
  return {
    allocate: (address, wanted, from, unusable) =>
      database.transaction(async (inside) => {
        await inside.sql`select pg_advisory_xact_lock(hashtextextended('service addresses', 0))`;
        const [given] = await inside.sql<ServiceAddress>`
          select ${addressColumns} from service_addresses
          where tenant_id = ${address.tenantId} and environment_id = ${address.environmentId}
            and service = ${address.service} and container_port = ${address.containerPort}`;
        const { protocol } = address;
        // One that turned out to be unusable is given up for another.
        const kept = given && !unusable.includes(given.port) ? given : null;
        if (kept?.protocol === protocol && (wanted === null || kept.port === wanted)) return kept;

        const port = wanted ?? kept?.port ?? (await firstFree(inside, from, unusable));
        if (wanted !== null && wanted !== given?.port) await refuseTaken(inside, address, wanted);
        const [stored] = await inside.sql<ServiceAddress>`
          insert into service_addresses (tenant_id, environment_id, service, container_port, protocol, port)
          values (${address.tenantId}, ${address.environmentId}, ${address.service}, ${address.containerPort},
            ${protocol}, ${port})
          on conflict (environment_id, service, container_port) do update
            set port = excluded.port, protocol = excluded.protocol
          returning ${addressColumns}`;
        return stored ?? { ...address, port };
      }),

    listOfEnvironment: (tenantId, environmentId) => sql<ServiceAddress>`
      select ${addressColumns} from service_addresses
      where tenant_id = ${tenantId} and environment_id = ${environmentId} order by service, container_port`,

    listAll: () => sql<ServiceAddress>`select ${addressColumns} from service_addresses order by port`,
  };
}

async function firstFree({ sql }: Database, from: number, unusable: readonly number[]): Promise<number> {
  const taken = await sql<{ port: number }>`select port from service_addresses where port >= ${from}`;
  const busy = new Set([...unusable, ...taken.map(({ port }) => port)]);
  for (let port = from; port <= lastPort; port++) if (!busy.has(port)) return port;
  throw new PlatformError('request_invalid', `There is no free port from ${from} on.`);
}

/** Names the holder to its own tenant only. */
async function refuseTaken({ sql }: Database, { tenantId }: Omit<ServiceAddress, 'port'>, port: number): Promise<void> {
  const [holder] = await sql<{ tenantId: string; service: string; environment: string; project: string }>`
    select service_addresses.tenant_id as "tenantId", service, environments.name as environment, projects.slug as project
    from service_addresses
    join environments on environments.id = environment_id
    join projects on projects.id = project_id
    where port = ${port}`;
  if (!holder) return;
  const { service, environment, project } = holder;
  const who =
    holder.tenantId === tenantId
      ? `service "${service}" of environment "${environment}" in project "${project}"`
      : 'a service of another organisation';
  throw new PlatformError('request_invalid', `Port ${port} belongs to ${who}.`, {
    details: [{ path: 'ports', message: `${port} belongs to ${who}` }],
  });
}
