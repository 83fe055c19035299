import assert from 'node:assert/strict';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { checkInvariants, emptyDatabase, newId } from '../testing/index.ts';
import { database } from './connection.ts';
import { migrate } from './migrate.ts';
import { queueRecords } from './queue-records.ts';
import { postgresStore } from './store.ts';

const migrations = join(import.meta.dirname, '..', 'migrations');

describe('a database of an earlier release', () => {
  it('keeps its builds when it is brought forward', async () => {
    await using db = await emptyDatabase();
    await migrateFirst(db.pool, ['0001_records.sql', '0002_work_and_logs.sql']);
    const [org, project, build] = [newId('org'), newId('proj'), newId('bld')];
    const [reused, failed, completed] = [newId('brun'), newId('brun'), newId('brun')];
    await db.pool.query(`
      insert into organisations values ('${org}', 'acme', 'Acme', 'pro', now());
      insert into projects (id, tenant_id, slug, name, branch, created_at, last_build_number)
        values ('${project}', '${org}', 'shop', 'Shop', 'main', now(), 1);
      insert into build_specs (id, tenant_id, project_id, number, source, target, git_sha, manifest_hash, spec_key,
        created_at)
        values ('${build}', '${org}', '${project}', 1, '{"kind": "git", "sha": "a"}', 'image', 'a', 'm', 'k', now());
      insert into build_runs (id, tenant_id, project_id, build_id, status, backend, notes, attempt, failure, reused_from,
        created_at, started_at, completed_at)
        select id, '${org}', '${project}', '${build}', status, 'buildx', '{}', 1, failure, reused_from, now(), now(),
          now()
        from (values
          ('${reused}', 'completed', null, null),
          ('${failed}', 'failed', '{"code": "build_error", "message": "no", "service": null, "step": null, "tail": [],
            "hint": "", "retryHelps": false}'::jsonb, null),
          ('${completed}', 'completed', null, '${reused}')
        ) as runs (id, status, failure, reused_from);
      insert into build_artifacts select 'bart_' || right(id, 26), '${org}', '${project}', '${build}', id, 'web', 'eve',
        'acme/shop/web', '{}', 'sha256:${'a'.repeat(64)}', '[]', '{}', 1, null, null, now()
        from build_runs where status = 'completed'`);
    await db.pool.query(`
      insert into transitions (tenant_id, subject_kind, subject_id, from_state, to_state, event, actor, at)
        select tenant_id, 'build_run', id, from_state, to_state, event, 'x', now()
        from build_runs, lateral (values (1, null, 'pending', 'create'), (2, 'pending', status, 'end')) as path
          (position, from_state, to_state, event)
        order by id, position`);

    await migrate(db.pool);

    const { buildRuns, buildSpecs, buildArtifacts } = postgresStore(database(db.pool), queueRecords);
    const { items } = await buildRuns.list(org, build, { limit: 10 });
    assert.deepEqual(
      items.map(({ id, status, reusedFrom }) => [id, status, reusedFrom]),
      [
        [completed, 'completed', reused],
        [failed, 'failed', null],
        [reused, 'completed', null],
      ],
    );
    const { failure, retries, verifies, limits, usage } = await buildRuns.get(org, failed);
    assert.deepEqual(
      [failure?.code, failure?.phase, failure?.retryClass, retries, verifies, limits, usage],
      ['build_error', null, null, 0, null, null, null],
    );
    assert.equal((await buildRuns.latest(org, build))?.id, completed);
    assert.equal((await buildSpecs.list(org, project, { limit: 10, status: 'completed' })).items.length, 1);
    assert.equal((await buildArtifacts.listOfBuild(org, build)).length, 1);
    assert.deepEqual(await checkInvariants(db.pool), []);
  });
});

async function migrateFirst(pool: Parameters<typeof migrate>[0], files: readonly string[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'eve-migrations-'));
  try {
    for (const file of files) await cp(join(migrations, file), join(folder, file));
    await migrate(pool, { folder });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
