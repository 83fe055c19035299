import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { advanceDeploy, type Deploy, type Environment, type Project, type Release, type Revision } from '@eve/domain';
import type { Endpoint, Lease } from '@eve/operations';
import {
  at,
  expireLease,
  leaseFor,
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

describe('environments, revisions, deploys and where they are reached', () => {
  let db: TestDatabase;
  let project: Project;
  let stranger: Project;
  let release: Release;

  before(async () => {
    db = await testDatabase();
    const [organisation, other] = [sampleOrganisation({ tier: 'dedicated' }), sampleOrganisation()];
    [project, stranger] = [sampleProject(organisation), sampleProject(other)];
    for (const one of [organisation, other]) await db.store.organisations.insert(one);
    for (const one of [project, stranger]) await db.store.projects.insert(one);
    release = sampleRelease(project);
    await db.store.releases.insert(release);
  });
  after(() => db[Symbol.asyncDispose]());

  async function newEnvironment(): Promise<{ environment: Environment; revision: Revision }> {
    const environment = sampleEnvironment(project);
    await db.store.environments.insert(environment);
    const config = await db.store.configVersions.insert(sampleConfig(environment));
    return { environment, revision: await db.store.revisions.insert(sampleRevision(release, config)) };
  }

  async function started(revision: Revision): Promise<{ deploy: Deploy; lease: Lease }> {
    const deploy = sampleDeploy(revision);
    await db.store.deploys.insert(deploy);
    const lease = await leaseFor(db, 'execute-deploy', deploy);
    const deploying = advanceDeploy(deploy, { type: 'start' }, at);
    await db.store.deploys.update(deploying, { was: 'pending', event: 'start', actor: 'worker', lease });
    return { deploy: deploying, lease };
  }

  async function finish(deploy: Deploy, lease: Lease, over: Partial<Deploy> = {}): Promise<Deploy> {
    const healthy = { ...advanceDeploy(deploy, { type: 'succeed' }, at), ...over };
    await db.store.transaction(async ({ deploys, queue }) => {
      await deploys.update(healthy, { was: 'deploying', event: 'succeed', actor: 'worker', lease });
      await queue.settle(lease);
    });
    return healthy;
  }

  it('numbers revisions and configurations without gaps, also when they come at once', async () => {
    const { environment, revision } = await newEnvironment();
    const config = await db.store.configVersions.latest(project.tenantId, environment.id);
    assert.ok(config);

    await Promise.all(Array.from({ length: 9 }, () => db.store.configVersions.insert(sampleConfig(environment))));
    await Promise.all(Array.from({ length: 9 }, () => db.store.revisions.insert(sampleRevision(release, config))));
    await assert.rejects(
      db.store.transaction(async ({ revisions }) => {
        await revisions.insert(sampleRevision(release, config));
        throw new Error('given up');
      }),
      /given up/,
    );
    const last = await db.store.revisions.insert(sampleRevision(release, config));

    assert.deepEqual([revision.number, last.number], [1, 11]);
    assert.equal((await db.store.configVersions.latest(project.tenantId, environment.id))?.number, 10);
    assert.deepEqual(await db.store.revisions.findByNumber(project.tenantId, environment.id, 1), revision);
    assert.equal((await db.store.revisions.list(project.tenantId, environment.id, { limit: 100 })).items.length, 11);
  });

  it('never changes releases, configurations and revisions', async () => {
    const { revision } = await newEnvironment();

    for (const table of ['releases', 'config_versions', 'revisions']) {
      await assert.rejects(db.pool.query(`update ${table} set created_by = 'x'`), /never change/);
      await assert.rejects(db.pool.query(`delete from ${table}`), /never change/);
    }
    assert.deepEqual(await db.store.revisions.get(project.tenantId, revision.id), revision);
  });

  it('refuses a revision that mixes tenants', async () => {
    const { revision } = await newEnvironment();
    const foreign = sampleRelease(stranger);
    await db.store.releases.insert(foreign);

    const mixed = { ...revision, id: 'rev_mixed', releaseId: foreign.id } as const;
    await assert.rejects(db.store.revisions.insert(mixed), { code: '23503' });
  });

  it('hides environments and deploys of another tenant', async () => {
    const { environment, revision } = await newEnvironment();
    const { deploy, lease } = await started(revision);
    await finish(deploy, lease);
    const { environments, deploys, revisions } = db.store;

    await assert.rejects(environments.get(stranger.tenantId, environment.id), { code: 'environment_not_found' });
    await assert.rejects(environments.delete(stranger.tenantId, environment.id), { code: 'environment_not_found' });
    await assert.rejects(environments.update({ ...environment, tenantId: stranger.tenantId }), {
      code: 'environment_not_found',
    });
    await assert.rejects(deploys.get(stranger.tenantId, deploy.id), { code: 'deploy_not_found' });
    await assert.rejects(revisions.get(stranger.tenantId, revision.id), { code: 'revision_not_found' });
    assert.equal(await environments.findByName(stranger.tenantId, project.id, environment.name), null);
  });

  it('refuses a second environment of the same name', async () => {
    const { environment } = await newEnvironment();

    const twin = sampleEnvironment(project, { name: environment.name });
    await assert.rejects(db.store.environments.insert(twin), { code: 'environment_exists' });
  });

  it('has one deploy under way per environment', async () => {
    const { revision } = await newEnvironment();
    const { deploy, lease } = await started(revision);
    const second = sampleDeploy(revision);
    await db.store.deploys.insert(second);
    const waiting = await db.store.deploys.pending(second.tenantId, second.environmentId);

    const start = advanceDeploy(second, { type: 'start' }, at);
    const change = { was: 'pending', event: 'start', actor: 'worker', lease: null } as const;
    await assert.rejects(db.store.deploys.update(start, change), { code: 'record_changed', message: /another one/ });

    await finish(deploy, lease);
    const superseded = advanceDeploy(second, { type: 'supersede' }, at);
    await db.store.deploys.update(superseded, { ...change, event: 'supersede' });
    assert.deepEqual(waiting, [second]);
    assert.deepEqual((await db.store.deploys.get(second.tenantId, second.id)).status, 'superseded');
  });

  it('keeps a failure with what was probed and when', async () => {
    const { revision } = await newEnvironment();
    const { deploy, lease } = await started(revision);
    await db.store.deploys.setPhase({ ...deploy, phase: 'probing' }, lease);
    const probing = await db.store.deploys.get(deploy.tenantId, deploy.id);

    const failed = advanceDeploy(
      probing,
      {
        type: 'fail',
        failure: {
          code: 'health_check_failed',
          message: 'web did not become healthy',
          service: 'web',
          hint: '',
          probes: [{ at, ok: false, detail: 'GET /: 503' }],
          logs: ['boom'],
          instances: [
            {
              instance: 'web-1',
              service: 'web',
              state: 'running',
              restarts: 0,
              probes: [{ at, ok: false, detail: 'GET /: 503' }],
              logs: ['boom'],
            },
          ],
        },
      },
      at,
    );
    await db.store.transaction(async ({ deploys, queue }) => {
      await deploys.update(failed, { was: 'deploying', event: 'fail', actor: 'worker', lease });
      await queue.settle(lease);
    });

    assert.equal(probing.phase, 'probing');
    assert.deepEqual(await db.store.deploys.get(deploy.tenantId, deploy.id), failed);
    const { items } = await db.store.deploys.list(deploy.tenantId, deploy.environmentId, {
      limit: 9,
      status: 'failed',
    });
    assert.deepEqual(items, [failed]);
  });

  it('lets no cancel come between the look at a deploy and its end', async () => {
    const { revision } = await newEnvironment();
    const { deploy, lease } = await started(revision);
    const looked = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<Deploy>();

    const ended = db.store.transaction(async ({ deploys, queue }) => {
      const now = await deploys.getForChange(deploy.tenantId, deploy.id);
      looked.resolve();
      // The request is on its way before the end is written.
      await new Promise((resolve) => setTimeout(resolve, 100));
      const healthy = advanceDeploy(now, { type: 'succeed' }, at);
      await deploys.update(healthy, { was: 'deploying', event: 'succeed', actor: 'worker', lease });
      await queue.settle(lease);
    });
    await looked.promise;
    asked.resolve(db.store.deploys.requestCancel(deploy.tenantId, deploy.id, 'token:late', at));
    await ended;

    const { status, cancelRequestedAt } = await asked.promise;
    assert.equal(status, 'healthy');
    assert.equal(cancelRequestedAt, null);
  });

  it('finds what was healthy before', async () => {
    const { environment, revision } = await newEnvironment();
    const config = await db.store.configVersions.latest(project.tenantId, environment.id);
    assert.ok(config);
    const next = await db.store.revisions.insert(sampleRevision(release, config, { restoredFrom: revision.id }));
    const first = await started(revision);
    await finish(first.deploy, first.lease, { completedAt: at });
    const second = await started(next);
    await finish(second.deploy, second.lease, { completedAt: new Date(at.getTime() + 1000) });

    const find = async (not: Revision['id'] | null) =>
      (await db.store.deploys.previousHealthy(project.tenantId, environment.id, not))?.id;

    assert.equal(await find(null), second.deploy.id);
    assert.equal(await find(next.id), first.deploy.id);
  });

  it('switches all instances at once, under the lease only', async () => {
    const { environment, revision } = await newEnvironment();
    const { tenantId } = project;
    const { deploy, lease } = await started(revision);
    const place = { tenantId, environmentId: environment.id, deployId: deploy.id, service: 'web', containerPort: 80 };
    const endpoint = (instance: string, port: number): Endpoint => ({
      ...place,
      instance,
      port,
      host: '127.0.0.1',
      state: 'starting',
      weight: 256,
      warmUntil: null,
    });
    await db.store.endpoints.upsert(endpoint('old', 31001), lease);
    await db.store.endpoints.switchTo(tenantId, environment.id, { old: 256 }, lease);
    await db.store.endpoints.upsert(endpoint('new', 31002), lease);

    await db.store.endpoints.switchTo(tenantId, environment.id, { new: 26 }, lease);

    const states = (await db.store.endpoints.listOfEnvironment(tenantId, environment.id)).map(
      ({ instance, state, weight }) => `${instance} ${state} ${weight}`,
    );
    assert.deepEqual(states, ['new serving 26', 'old draining 256']);
    await db.store.endpoints.keepWarm(tenantId, environment.id, ['old', 'new'], at, lease);
    const kept = await db.store.endpoints.listOfEnvironment(tenantId, environment.id);
    assert.deepEqual(
      kept.map(({ instance, state, warmUntil }) => [instance, state, warmUntil]),
      [
        ['new', 'serving', null],
        ['old', 'warm', at],
      ],
    );
    await db.store.endpoints.removeInstances(tenantId, environment.id, ['old'], null);
    assert.equal((await db.store.endpoints.listAll()).length, 1);
    await expireLease(db, lease);
    await assert.rejects(db.store.endpoints.upsert(endpoint('late', 31003), lease), { code: 'lease_lost' });
    const { switchTo, removeInstances } = db.store.endpoints;
    await assert.rejects(switchTo(tenantId, environment.id, {}, lease), { code: 'lease_lost' });
    await assert.rejects(removeInstances(tenantId, environment.id, ['new'], lease), { code: 'lease_lost' });
    await assert.rejects(db.store.deploys.setPhase({ ...deploy, phase: 'draining' }, lease), { code: 'lease_lost' });
    await db.database.sql`update work set leased_until = now() + interval '1 minute' where id = ${lease.workId}`;
    await finish(deploy, lease);
  });

  it('deletes an environment with all that is in it, and leaves the rest immutable', async () => {
    const { environment, revision } = await newEnvironment();
    const { deploy, lease } = await started(revision);
    await finish(deploy, lease);
    await db.store.environments.update({ ...environment, currentRevisionId: revision.id, lastDeployId: deploy.id });

    await db.store.transaction(async ({ environments, releases }) => {
      await environments.delete(project.tenantId, environment.id);
      assert.deepEqual(await releases.get(project.tenantId, release.id), release);
    });

    await assert.rejects(db.store.environments.get(project.tenantId, environment.id), {
      code: 'environment_not_found',
    });
    await assert.rejects(db.store.deploys.get(project.tenantId, deploy.id), { code: 'deploy_not_found' });
    assert.equal((await db.store.transitions.list(project.tenantId, deploy.id)).length, 3);
    await assert.rejects(db.pool.query('delete from revisions'), /never change/);
  });
});
