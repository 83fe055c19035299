import { PlatformError } from '@eve/domain';
import type { Records, ServiceAddress } from '@eve/operations';
import type { Database } from './connection.ts';
import { part, raw, type SqlPart } from './sql.ts';

const addressColumns = raw(
  'tenant_id as "tenantId", environment_id as "environmentId", service, container_port as "containerPort", protocol, port, host',
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
        return stored ?? { ...address, port, host: null };
      }),

    setHosts: (tenantId, environmentId, hosts) =>
      database.transaction(async (inside) => {
        await inside.sql`select pg_advisory_xact_lock(hashtextextended('service addresses', 0))`;
        await inside.sql`
          update service_addresses set host = null
          where tenant_id = ${tenantId} and environment_id = ${environmentId} and host is not null`;
        for (const { service, containerPort, host } of hosts) {
          await refuseTakenHost(inside, tenantId, host);
          await inside.sql`
            update service_addresses set host = ${host}
            where tenant_id = ${tenantId} and environment_id = ${environmentId} and service = ${service}
              and container_port = ${containerPort}`;
        }
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

async function refuseTaken(
  { sql }: Database,
  { tenantId }: Pick<ServiceAddress, 'tenantId'>,
  port: number,
): Promise<void> {
  const who = await holderOf({ sql }, tenantId, part`port = ${port}`);
  if (!who) return;
  throw new PlatformError('request_invalid', `Port ${port} belongs to ${who}.`, {
    details: [{ path: 'ports', message: `${port} belongs to ${who}` }],
  });
}

async function refuseTakenHost({ sql }: Database, tenantId: string, host: string): Promise<void> {
  const who = await holderOf({ sql }, tenantId, part`host = ${host}`);
  if (who) throw new PlatformError('host_taken', `The host ${host} belongs to ${who}.`);
}

/** Who has an address, in words: named to its own tenant only. */
async function holderOf({ sql }: Pick<Database, 'sql'>, tenantId: string, where: SqlPart): Promise<string | null> {
  const [holder] = await sql<{ tenantId: string; service: string; environment: string; project: string }>`
    select service_addresses.tenant_id as "tenantId", service, environments.name as environment, projects.slug as project
    from service_addresses
    join environments on environments.id = environment_id
    join projects on projects.id = project_id
    where ${where}`;
  if (!holder) return null;
  const { service, environment, project } = holder;
  return holder.tenantId === tenantId
    ? `service "${service}" of environment "${environment}" in project "${project}"`
    : 'a service of another organisation';
}
