import { database, errorCode, type Pool } from './connection.ts';
import { raw } from './sql.ts';

const dayMs = 86_400_000;
// Made by another process at the same time; or the day's lines are in the default partition already, and stay there.
const harmless = new Set(['42P07', '23505', '23514']);

/** Makes the partitions of today and the next days (UTC) where they are missing. Call it on start and once a day. */
export async function ensureLogPartitions(pool: Pool, { at, days = 3 }: { at: Date; days?: number }): Promise<void> {
  const { sql } = database(pool);
  const today = Math.floor(at.getTime() / dayMs) * dayMs;
  for (let index = 0; index <= days; index++) {
    const from = dayOf(today + index * dayMs);
    const to = dayOf(today + (index + 1) * dayMs);
    try {
      await sql`
        create table if not exists ${raw(`log_chunks_${from.replaceAll('-', '')}`)} partition of log_chunks
        for values from (${raw(`'${from} 00:00:00+00'`)}) to (${raw(`'${to} 00:00:00+00'`)})`;
    } catch (error) {
      if (!harmless.has(errorCode(error) ?? '')) throw error;
    }
  }
}

function dayOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}
