import type { LockName, Records } from '@eve/operations';
import type { Database } from './connection.ts';

/** What one process of the installation does at a time; the times are the database's. */
export function locks(database: Database): Records['locks'] {
  return {
    take: (name, holder, { forMs, restMs = 0 }) =>
      database.transaction(async (inside) => {
        // Whoever has looked inside a transaction is waited for.
        await inside.sql`select pg_advisory_xact_lock(hashtextextended(${keyOf(name)}, 0))`;
        const taken = await inside.sql`
          insert into installation_locks as held (name, holder, held_until)
          values (${name}, ${holder}, now() + ${forMs}::float8 * interval '1 millisecond')
          on conflict (name) do update
            set holder = excluded.holder, held_until = excluded.held_until,
              times = held.times + case when held.holder = excluded.holder and held.held_until > now() then 0 else 1 end,
              taken_at = case when held.holder = excluded.holder then held.taken_at else now() end
            where (held.holder = excluded.holder and held.held_until > now())
              or (held.held_until <= now() and held.taken_at <= now() - ${restMs}::float8 * interval '1 millisecond')
          returning name`;
        return taken.length > 0;
      }),

    async release(name, holder) {
      await database.sql`
        update installation_locks set held_until = now() where name = ${name} and holder = ${holder} and held_until > now()`;
    },

    async look(name) {
      await database.sql`select pg_advisory_xact_lock_shared(hashtextextended(${keyOf(name)}, 0))`;
      const [row] = await database.sql<{ held: boolean; times: number }>`
        select held_until > clock_timestamp() as held, times::int from installation_locks where name = ${name}`;
      return row ?? { held: false, times: 0 };
    },
  };
}

function keyOf(name: LockName): string {
  return `installation lock ${name}`;
}
