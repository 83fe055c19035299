import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { emptyDatabase } from '../testing/index.ts';
import { createPool, database } from './connection.ts';
import { json, nothing, part } from './sql.ts';

describe('a database', () => {
  let db: Awaited<ReturnType<typeof emptyDatabase>>;

  before(async () => {
    db = await emptyDatabase();
    await db.pool.query('create table counters (id integer primary key, value integer not null)');
    await db.pool.query('insert into counters values (1, 0), (2, 0)');
  });
  after(() => db[Symbol.asyncDispose]());

  it('puts values in as parameters, and pieces as SQL', async () => {
    const { sql } = database(db.pool);
    const filter = part`and value in (${0}, ${7})`;

    const rows = await sql`select id from counters where id > ${1} ${filter} ${nothing}`;

    assert.deepEqual(rows, [{ id: 2 }]);
  });

  it('gives big integers as numbers, times as dates, JSON as values', async () => {
    const at = new Date('2026-01-02T03:04:05.678Z');

    const [row] = await database(db.pool).sql`
      select ${5_000_000_000}::bigint as big, ${at}::timestamptz as at, ${json({ a: [1] })}::jsonb as json, ${json(null)}::jsonb as none`;

    assert.deepEqual(row, { big: 5_000_000_000, at, json: { a: [1] }, none: null });
    await assert.rejects(database(db.pool).sql`select ${'9007199254740993'}::bigint`, /too large/);
  });

  it('prepares a statement once per connection', async () => {
    const pool = createPool({ url: db.url, max: 1 });
    const { sql } = database(pool);
    for (const value of [1, 2, 3]) await sql`select ${value}::integer + 1 as next`;

    const [row] = await sql<{
      count: number;
    }>`select count(*) from pg_prepared_statements where statement like '%as next'`;

    assert.equal(row?.count, 1);
    await pool.end();
  });

  it('repeats a transaction that met another in a deadlock', async () => {
    const met = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let runs = 0;
    const add = (index: number, [first, second]: readonly [number, number]) =>
      database(db.pool).transaction(async ({ sql }) => {
        runs += 1;
        await sql`update counters set value = value + 1 where id = ${first}`;
        met[index]?.resolve();
        await met[1 - index]?.promise;
        await sql`update counters set value = value + 1 where id = ${second}`;
      });

    await Promise.all([add(0, [1, 2]), add(1, [2, 1])]);

    assert.deepEqual((await db.pool.query('select value from counters')).rows, [{ value: 2 }, { value: 2 }]);
    assert.equal(runs, 3);
  });

  it('joins the transaction that it is in', async () => {
    await assert.rejects(
      database(db.pool).transaction(async (outer) => {
        await outer.transaction(({ sql }) => sql`update counters set value = 99 where id = 1`);
        throw new Error('given up');
      }),
      /given up/,
    );

    const [row] = await database(db.pool).sql`select value from counters where id = 1`;
    assert.notDeepEqual(row, { value: 99 });
  });

  it('says database_unavailable when nothing answers', async () => {
    const pool = createPool({ url: 'postgres://eve@127.0.0.1:1/eve' });

    await assert.rejects(database(pool).sql`select 1`, { code: 'database_unavailable', kind: 'unavailable' });
    await assert.rejects(
      database(pool).transaction(async () => {}),
      { code: 'database_unavailable' },
    );
    await pool.end();
  });

  it('says database_unavailable when a connection is lost, and recovers', async () => {
    const pool = createPool({ url: db.url, max: 1 });
    const { sql, transaction } = database(pool);
    const lost = transaction(async (inside) => {
      const [{ pid } = { pid: 0 }] = await inside.sql<{ pid: number }>`select pg_backend_pid() as pid`;
      await db.pool.query('select pg_terminate_backend($1)', [pid]);
      await inside.sql`select pg_sleep(1)`;
    });

    await assert.rejects(lost, { code: 'database_unavailable' });

    assert.deepEqual(await sql`select 1 as one`, [{ one: 1 }]);
    await pool.end();
  });
});
