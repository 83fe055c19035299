import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { emptyDatabase } from '../testing/index.ts';
import { createPool } from './connection.ts';
import { MigrationRefused, migrate, readMigrations } from './migrate.ts';

describe('migrations', () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'eve-migrations-'));
    await cp(join(import.meta.dirname, '..', 'migrations'), folder, { recursive: true });
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('are run once, in order', async () => {
    await using db = await emptyDatabase();
    const names = (await readMigrations()).map(({ name }) => name);

    assert.deepEqual(await migrate(db.pool), names);
    assert.deepEqual(await migrate(db.pool), []);
  });

  it('are run once when many processes start at the same time', async () => {
    await using db = await emptyDatabase();
    const pools = Array.from({ length: 5 }, () => createPool({ url: db.url, max: 1 }));

    const done = await Promise.all(pools.map((pool) => migrate(pool)));

    assert.deepEqual(
      done.flat(),
      (await readMigrations()).map(({ name }) => name),
    );
    await Promise.all(pools.map((pool) => pool.end()));
  });

  it('are refused when one was edited after it had been applied', async () => {
    await using db = await emptyDatabase();
    await migrate(db.pool, { folder });
    const path = join(folder, '0001_records.sql');
    const text = await readFile(path, 'utf8');
    await writeFile(path, `${text}\n-- edited\n`);

    await assert.rejects(migrate(db.pool, { folder }), (error) => {
      assert.ok(error instanceof MigrationRefused);
      assert.match(error.message, /0001_records\.sql was edited/);
      return true;
    });
    await writeFile(path, text);
  });

  it('are refused when the database is newer than the release', async () => {
    await using db = await emptyDatabase();
    const next = `${String((await readMigrations()).length + 1).padStart(4, '0')}_later.sql`;
    await writeFile(join(folder, next), 'create table later (id integer);');
    await migrate(db.pool, { folder });

    await assert.rejects(migrate(db.pool), { name: 'MigrationRefused', message: /newer than this release/ });
    await rm(join(folder, next));
  });

  it('leave nothing of one that fails', async () => {
    await using db = await emptyDatabase();
    const next = `${String((await readMigrations()).length + 1).padStart(4, '0')}_broken.sql`;
    await writeFile(join(folder, next), 'create table half (id integer); select nothing_of_the_kind;');

    await assert.rejects(migrate(db.pool, { folder }), /_broken\.sql failed/);

    const { rows } = await db.pool.query("select to_regclass('half') as half, to_regclass('projects') as projects");
    assert.deepEqual(rows, [{ half: null, projects: 'projects' }]);
    await rm(join(folder, next));
  });
});
