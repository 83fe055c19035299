import type { Records } from '@eve/operations';
import type { Database } from './connection.ts';

interface Row {
  requestHash: string;
  status: number | null;
  body: string | null;
}

/** Answers kept for repeated requests. */
export function idempotency({ sql }: Database): Records['idempotency'] {
  return {
    async begin(tenantId, route, key, requestHash, at) {
      // An answer is kept for a day. A request that has no answer after ten minutes died with its process.
      const reserved = await sql`
        insert into idempotency_keys (tenant_id, route, key, request_hash, created_at)
        values (${tenantId}, ${route}, ${key}, ${requestHash}, ${at})
        on conflict (tenant_id, route, key) do update
          set request_hash = excluded.request_hash, status = null, body = null, created_at = excluded.created_at
          where idempotency_keys.created_at < excluded.created_at - interval '24 hours'
            or (idempotency_keys.status is null
              and idempotency_keys.created_at < excluded.created_at - interval '10 minutes')
        returning key`;
      if (reserved.length > 0) return 'new';

      const [row] = await sql<Row>`
        select request_hash as "requestHash", status, body from idempotency_keys
        where tenant_id = ${tenantId} and route = ${route} and key = ${key}`;
      if (!row) return 'running';
      if (row.requestHash !== requestHash) return 'other_body';
      return row.status === null || row.body === null ? 'running' : { requestHash, status: row.status, body: row.body };
    },

    async finish(tenantId, route, key, answer) {
      if (answer) {
        await sql`
          update idempotency_keys set status = ${answer.status}, body = ${answer.body}
          where tenant_id = ${tenantId} and route = ${route} and key = ${key}
            and request_hash = ${answer.requestHash}`;
      } else {
        await sql`
          delete from idempotency_keys
          where tenant_id = ${tenantId} and route = ${route} and key = ${key} and status is null`;
      }
    },
  };
}
