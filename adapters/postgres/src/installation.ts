import type { Pool } from './connection.ts';

/**
 * The id of the installation that a database belongs to: the one that was recorded first, so that all of its processes
 * have the same, each with a data directory of its own.
 */
export async function recordedInstallation(pool: Pool, id: string): Promise<string> {
  await pool.query('insert into installation (id) values ($1) on conflict do nothing', [id]);
  const { rows } = await pool.query<{ id: string }>('select id from installation');
  return rows[0]?.id ?? id;
}
