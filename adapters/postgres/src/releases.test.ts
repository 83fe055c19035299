import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Project, Release } from '@eve/domain';
import {
  at,
  sampleConfig,
  sampleEnvironment,
  sampleOrganisation,
  samplePipelineRun,
  sampleProject,
  sampleRelease,
  sampleRevision,
  sampleStep,
  type TestDatabase,
  testDatabase,
} from '../testing/index.ts';

describe('releases as they are stored', () => {
  let db: TestDatabase;
  let project: Project;
  let stranger: Project;

  before(async () => {
    db = await testDatabase();
    const [organisation, other] = [sampleOrganisation({ tier: 'dedicated' }), sampleOrganisation()];
    [project, stranger] = [sampleProject(organisation), sampleProject(other)];
    for (const one of [organisation, other]) await db.store.organisations.insert(one);
    for (const one of [project, stranger]) await db.store.projects.insert(one);
  });
  after(() => db[Symbol.asyncDispose]());

  async function stored(over: Partial<Release> = {}): Promise<Release> {
    const release = sampleRelease(project, over);
    await db.store.releases.insert(release);
    return release;
  }

  it('are listed page by page under a filter, and what is meant as text is no pattern', async () => {
    const gitSha = `cafe${'0'.repeat(36)}`;
    const three = [];
    for (const tag of ['p1', 'p2', 'p3']) three.push(await stored({ gitSha, tag }));
    const { list } = db.store.releases;

    const first = await list(project.tenantId, project.id, { gitSha: 'cafe', limit: 2 });
    const cursor = first.nextCursor ?? '';
    const second = await list(project.tenantId, project.id, { gitSha: 'cafe', limit: 2, cursor });

    assert.deepEqual(
      [...first.items, ...second.items].map(({ id }) => id),
      three.map(({ id }) => id).reverse(),
    );
    assert.equal(second.nextCursor, null);
    for (const filter of [{ gitSha: '%' }, { gitSha: '_afe' }, { tag: 'p%' }, { version: "' or true --" }])
      assert.deepEqual((await list(project.tenantId, project.id, { ...filter, limit: 9 })).items, []);
    assert.deepEqual((await list(stranger.tenantId, project.id, { gitSha: 'cafe', limit: 9 })).items, []);
  });

  it('are blocked by their own tenant only; the last reason counts', async () => {
    const release = await stored();
    const { releases } = db.store;
    const block = { releaseId: release.id, reason: 'one', blockedBy: 'token:ann', blockedAt: at };

    await assert.rejects(releases.block(stranger.tenantId, block), { code: 'release_not_found' });
    await releases.block(project.tenantId, block);
    await releases.block(project.tenantId, { ...block, reason: 'two' });

    assert.deepEqual(await releases.blocks(project.tenantId, [release.id]), [{ ...block, reason: 'two' }]);
    assert.deepEqual(await releases.blocks(stranger.tenantId, [release.id]), []);
    assert.equal(await releases.unblock(stranger.tenantId, release.id), false);
    assert.equal(await releases.unblock(project.tenantId, release.id), true);
    assert.equal(await releases.unblock(project.tenantId, release.id), false);
  });

  it('go with their block, and the others stay as unchangeable as they were', async () => {
    const [release, other] = [await stored(), await stored()];
    const { releases } = db.store;
    await releases.block(project.tenantId, { releaseId: release.id, reason: 'x', blockedBy: 'a', blockedAt: at });

    await assert.rejects(releases.delete(stranger.tenantId, release.id), { code: 'release_not_found' });
    await db.store.transaction(async (inside) => {
      await inside.releases.delete(project.tenantId, release.id);
      await assert.rejects(inside.releases.delete(project.tenantId, release.id), { code: 'release_not_found' });
    });

    await assert.rejects(releases.get(project.tenantId, release.id), { code: 'release_not_found' });
    assert.deepEqual(await releases.blocks(project.tenantId, [release.id]), []);
    await assert.rejects(db.pool.query(`delete from releases where id = $1`, [other.id]), /never change/);
    await assert.rejects(db.pool.query(`update releases set tag = 'x' where id = $1`, [other.id]), /never change/);
  });

  it('stay while a revision or a pipeline run under way names them, and the answer says which', async () => {
    const [running, past, asked, made] = [
      await stored({ tag: 'running' }),
      await stored({ tag: 'past' }),
      await stored({ tag: 'asked' }),
      await stored({ tag: 'made' }),
    ];
    const environment = sampleEnvironment(project);
    await db.store.environments.insert(environment);
    const config = await db.store.configVersions.insert(sampleConfig(environment));
    await db.store.revisions.insert(sampleRevision(past, config));
    const current = await db.store.revisions.insert(sampleRevision(running, config));
    const { id, tenantId } = environment;
    await db.store.environments.update({ id, tenantId, currentRevisionId: current.id });
    const run = samplePipelineRun(project, { inputs: { release_id: asked.id } });
    await db.store.transaction(async ({ pipelineRuns, queue }) => {
      await pipelineRuns.insert(run, [sampleStep(run, { output: { release_id: made.id } })]);
      const work = { kind: 'advance-pipeline-run', class: 'control', version: 1 } as const;
      await queue.add({ ...work, id: run.id, tenantId, projectId: project.id });
    });

    const expected: readonly [Release, RegExp][] = [
      [running, new RegExp(`^Release running stays: it runs in ${environment.name}\\.$`)],
      [past, new RegExp(`^Release past stays: it is in the history of ${environment.name}\\.$`)],
      [asked, new RegExp(`pipeline run ${run.id} is about to deploy it`)],
      [made, new RegExp(`pipeline run ${run.id} is about to deploy it`)],
    ];
    for (const [release, message] of expected)
      await assert.rejects(db.store.releases.delete(project.tenantId, release.id), { code: 'release_in_use', message });
  });
});
