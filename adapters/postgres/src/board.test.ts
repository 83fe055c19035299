import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { advanceDeploy, type Deploy, type Drift, type Environment, type Project, type Release } from '@eve/domain';
import {
  at,
  leaseFor,
  newId,
  sampleConfig,
  sampleDeploy,
  sampleEnvironment,
  sampleOrganisation,
  sampleProject,
  sampleRelease,
  sampleRevision,
  type TestDatabase,
  testDatabase,
} from '../testing/index.ts';

const later = new Date(at.getTime() + 60_000);
const page = { limit: 20 };

describe('environments, what runs in them, and how it differs', () => {
  let db: TestDatabase;
  let project: Project;
  let other: Project;
  let stranger: Project;

  before(async () => {
    db = await testDatabase();
    const [organisation, strangers] = [sampleOrganisation({ tier: 'dedicated' }), sampleOrganisation()];
    for (const one of [organisation, strangers]) await db.store.organisations.insert(one);
    [project, other, stranger] = [sampleProject(organisation), sampleProject(organisation), sampleProject(strangers)];
    for (const one of [project, other, stranger]) await db.store.projects.insert(one);
  });
  after(() => db[Symbol.asyncDispose]());

  async function environmentOf(owner: Project, over: Partial<Environment> = {}): Promise<Environment> {
    const environment = sampleEnvironment(owner, over);
    await db.store.environments.insert(environment);
    return environment;
  }

  async function released(over: Partial<Release> = {}): Promise<Release> {
    const release = sampleRelease(project, over);
    await db.store.releases.insert(release);
    return release;
  }

  async function asked(environment: Environment, release: Release): Promise<Deploy> {
    const config = await db.store.configVersions.insert(sampleConfig(environment));
    const revision = await db.store.revisions.insert(sampleRevision(release, config));
    const deploy = sampleDeploy(revision, { createdBy: 'token:ada' });
    await db.store.deploys.insert(deploy);
    return deploy;
  }

  async function begun(deploy: Deploy) {
    const lease = await leaseFor(db, 'execute-deploy', deploy);
    const deploying = advanceDeploy(deploy, { type: 'start' }, at);
    await db.store.deploys.update(deploying, { was: 'pending', event: 'start', actor: 'worker', lease });
    return { deploying, lease };
  }

  async function healthy(environment: Environment, release: Release): Promise<Deploy> {
    const { deploying, lease } = await begun(await asked(environment, release));
    const done = advanceDeploy(deploying, { type: 'succeed' }, later);
    await db.store.transaction(async ({ deploys, environments, queue }) => {
      await deploys.update(done, { was: 'deploying', event: 'succeed', actor: 'worker', lease });
      const { id, tenantId } = environment;
      await environments.update({ id, tenantId, currentRevisionId: done.revisionId, lastDeployId: done.id });
      await queue.settle(lease);
    });
    return done;
  }

  function driftOf(deploy: Deploy, over: Partial<Drift> = {}): Drift {
    const { tenantId, projectId, environmentId, revisionId } = deploy;
    const missing = { kind: 'missing', service: 'web', instance: null, expected: '1 instance', found: '0' } as const;
    return {
      id: newId('drift'),
      tenantId,
      projectId,
      environmentId,
      revisionId,
      differences: [missing],
      detectedAt: at,
      seenAt: at,
      clearedAt: null,
      repairDeployId: null,
      ...over,
    };
  }

  const rowOf = async (environment: Environment) => {
    const filter = { environmentId: environment.id };
    const { items } = await db.store.environments.board(environment.tenantId, filter, page);
    assert.equal(items.length, 1);
    return items[0] as (typeof items)[number]; // asserted just above
  };

  it('say what runs, since when and by whom, what is under way and what waits', async () => {
    const environment = await environmentOf(project);
    const release = await released({ tag: 'v1.0.0' });
    const serves = await healthy(environment, release);
    const { deploying } = await begun(await asked(environment, release));
    const waits = await asked(environment, release);
    const { id, tenantId, projectId } = waits;
    await db.store.queue.add({ kind: 'execute-deploy', id, tenantId, projectId, class: 'deploy', version: 1 });
    await db.store.drifts.put(driftOf(serves));

    const row = await rowOf(environment);

    assert.deepEqual(row.environment, await db.store.environments.get(project.tenantId, environment.id));
    assert.deepEqual([row.projectSlug, row.revisionNumber, row.release?.tag], [project.slug, 1, 'v1.0.0']);
    assert.deepEqual([row.since, row.by], [later, 'token:ada']);
    assert.deepEqual([row.active?.id, row.active?.startedAt, row.waiting?.id], [deploying.id, at, waits.id]);
    assert.deepEqual(row.drift, await db.store.drifts.current(project.tenantId, environment.id));
    assert.equal((await db.store.drifts.current(project.tenantId, environment.id))?.detectedAt.getTime(), at.getTime());
  });

  it('say which release is not here yet: none that is older, blocked or local, and only tagged ones where protected', async () => {
    const old = await released({ tag: 'v1.1.0' });
    const [open, guarded] = [await environmentOf(project), await environmentOf(project)];
    await db.store.environments.update({ ...guarded, settings: { ...guarded.settings, protected: true } });
    for (const environment of [open, guarded]) await healthy(environment, old);
    const tagged = await released({ tag: 'v1.2.0' });
    const untagged = await released();
    await released({ local: true });
    const blocked = await released({ tag: 'v1.3.0' });
    const block = { releaseId: blocked.id, reason: 'broken', blockedBy: 'token:ada', blockedAt: at };
    await db.store.releases.block(project.tenantId, block);

    const rows = [await rowOf(open), await rowOf(guarded)];

    assert.deepEqual(
      rows.map(({ newest, behind }) => [newest?.id, behind]),
      [
        [untagged.id, 2],
        [tagged.id, 1],
      ],
    );
  });

  it('do not say of a release that it is not here yet when it was replaced here', async () => {
    const environment = await environmentOf(project);
    const [older, newer] = [await released({ tag: 'v2.0.0' }), await released({ tag: 'v2.1.0' })];
    for (const release of [older, newer, older]) await healthy(environment, release);

    const { newest, behind } = await rowOf(environment);

    assert.deepEqual([newest, behind], [null, 0]);
  });

  it('are listed by project and over all of a tenant, with pages, and never those of another', async () => {
    const mine = [await environmentOf(other), await environmentOf(other), await environmentOf(other)];
    await environmentOf(stranger);
    const board = db.store.environments.board;
    const names = (rows: Awaited<ReturnType<typeof board>>) => rows.items.map(({ environment }) => environment.name);

    const first = await board(other.tenantId, { projectId: other.id }, { limit: 2 });
    const cursor = first.nextCursor ?? '';
    const second = await board(other.tenantId, { projectId: other.id }, { limit: 2, cursor });
    const all = await board(other.tenantId, {}, { limit: 100 });

    assert.deepEqual([...names(first), ...names(second)], mine.map(({ name }) => name).reverse());
    assert.equal(second.nextCursor, null);
    assert.ok(all.items.length > 3 && all.items.every(({ environment }) => environment.tenantId === other.tenantId));
  });

  it('keep one drift that lasts, and all that have passed', async () => {
    const environment = await environmentOf(project);
    const deploy = await healthy(environment, await released());
    const { tenantId } = environment;
    const drift = driftOf(deploy);
    await db.store.drifts.put(drift);
    await assert.rejects(db.store.drifts.put(driftOf(deploy)), /drifts_one_lasting/);
    await db.store.drifts.put({ ...drift, seenAt: later, repairDeployId: deploy.id });
    assert.ok((await db.store.drifts.lasting()).some(({ id }) => id === drift.id));

    await db.store.drifts.put({ ...drift, seenAt: later, clearedAt: later, repairDeployId: deploy.id });
    const next = driftOf(deploy);
    await db.store.drifts.put(next);

    assert.deepEqual(await db.store.drifts.current(tenantId, environment.id), next);
    const { items } = await db.store.drifts.list(tenantId, environment.id, page);
    assert.deepEqual(
      items.map(({ id, clearedAt }) => [id, clearedAt]),
      [
        [next.id, null],
        [drift.id, later],
      ],
    );
    assert.deepEqual((await db.store.drifts.list(stranger.tenantId, environment.id, page)).items, []);
  });

  it('go with all that was recorded of them when an environment is deleted', async () => {
    const environment = await environmentOf(project);
    const deploy = await healthy(environment, await released());
    await db.store.drifts.put(driftOf(deploy, { repairDeployId: deploy.id }));

    await db.store.environments.delete(environment.tenantId, environment.id);

    assert.equal(await db.store.environments.findByName(environment.tenantId, project.id, environment.name), null);
    assert.deepEqual((await db.store.drifts.list(environment.tenantId, environment.id, page)).items, []);
  });

  it('are changed by one at a time who asks for that', async () => {
    const environment = await environmentOf(project);
    const { id, tenantId } = environment;
    const lock = { holder: 'token:ada', reason: 'migration', since: at };

    await Promise.all(
      [0, 1, 2, 3].map(() =>
        db.store.transaction(async ({ environments }) => {
          const { settings } = await environments.getForChange(tenantId, id);
          const stabiliseMs = (settings.stabiliseMs ?? 0) + 1;
          await environments.update({ id, tenantId, lock, settings: { ...settings, stabiliseMs } });
        }),
      ),
    );
    await db.store.environments.update({ id, tenantId, status: 'suspended', suspendedReason: 'saving money' });

    const changed = await db.store.environments.get(tenantId, id);
    assert.deepEqual([changed.settings.stabiliseMs, changed.lock], [4, lock]);
    assert.equal(changed.suspendedReason, 'saving money');
    await assert.rejects(db.store.environments.getForChange(stranger.tenantId, id), { code: 'environment_not_found' });
    await db.store.environments.update({ id, tenantId, lock: null, suspendedReason: null });
    const freed = await db.store.environments.get(tenantId, id);
    assert.deepEqual([freed.lock, freed.suspendedReason, freed.settings.stabiliseMs], [null, null, 4]);
  });
});
