import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlatformError } from '@eve/domain';
import {
  askForDeploy,
  deployed,
  eachOnSampleProject,
  environmentNow,
  type SampleProject,
  sampleManifest,
  type TestPlatform,
} from '../../testing/index.ts';
import { approveDeploy } from '../deploys/approve-deploy.ts';
import { environmentStatus } from '../deploys/environment-status.ts';
import { lockEnvironment } from '../environments/lock-environment.ts';
import { updateEnvironment } from '../environments/update-environment.ts';
import { listDrift } from './read-drift.ts';
import { repairEnvironment } from './repair-drift.ts';
import { type DriftMemory, driftMemory, lookForDrift, watchDrift } from './watch-drift.ts';

const signal = AbortSignal.timeout(120_000);

let test: TestPlatform;
let shop: SampleProject;
let memory: DriftMemory;

eachOnSampleProject((scene) => {
  ({ test, shop } = scene);
});
beforeEach(async () => {
  memory = driftMemory();
  const commit = await shop.commit();
  await shop.built(commit);
  await deployed(test, shop, commit);
});

const look = (known = memory) => lookForDrift(test.platform, known, signal);
const drift = () =>
  listDrift(test.platform, shop.caller, { projectId: shop.project.id, name: 'test', page: { limit: 20 } });
const current = async () =>
  (await drift()).current?.differences.map(({ kind, service, instance }) => `${kind} ${instance ?? service}`) ?? null;
const instanceOf = (service: string) => {
  const found = test.deployer.instances.find((each) => each.service === service);
  assert.ok(found);
  return found;
};
const lose = (service: string) =>
  test.deployer.instances.splice(test.deployer.instances.indexOf(instanceOf(service)), 1)[0];
const toRepair = () =>
  updateEnvironment(test.platform, shop.caller, {
    projectId: shop.project.id,
    name: 'test',
    settings: { drift: 'repair' },
  });
const repairs = async () => {
  const { tenantId, id } = await environmentNow(test, shop);
  const { items } = await test.platform.store.deploys.list(tenantId, id, { limit: 50 });
  return items.filter(({ cause }) => cause === 'repair');
};

describe('watching for drift', () => {
  it('finds none in what was just deployed', async () => {
    await look();

    assert.deepEqual([await current(), (await drift()).items], [null, []]);
  });

  it('records what is missing, follows its changes, and notes when it is over', async () => {
    const lost = lose('web');
    await look();
    const first = await current();
    instanceOf('jobs').state = 'exited';
    await look();
    const second = await current();
    if (lost) test.deployer.instances.push(lost);
    instanceOf('jobs').state = 'running';
    await look();

    assert.deepEqual(first, ['missing web']);
    assert.deepEqual(second, ['missing web', `stopped ${instanceOf('jobs').name}`]);
    const { items } = await drift();
    assert.deepEqual([await current(), items.length], [null, 1]);
    assert.ok(items[0]?.clearedAt);
    const history = await test.platform.store.transitions.list(shop.caller.tenantId, items[0]?.id ?? '');
    assert.deepEqual(
      history.map(({ event, to }) => `${event} ${to}`),
      ['detect lasting', 'change lasting', 'clear cleared'],
    );
  });

  it('takes what dies again and again for one drift', async () => {
    const { platform } = test;
    let at = Date.now();
    const every = { ...platform, settings: { ...platform.settings, driftMs: 10 }, now: () => new Date(at) };
    const round = async (state: 'running' | 'restarting', passedMs: number) => {
      at += passedMs;
      instanceOf('web').state = state;
      await lookForDrift(every, memory, signal);
      return current();
    };

    const seen = [
      await round('restarting', 10),
      await round('running', 10),
      await round('running', 10),
      await round('restarting', 10),
      await round('running', 10),
      await round('running', 10),
      await round('running', 10),
    ];

    const lasts = [`stopped ${instanceOf('web').name}`];
    assert.deepEqual(seen, [lasts, lasts, lasts, lasts, lasts, lasts, null]);
    assert.equal((await drift()).items.length, 1);
  });

  it('leaves to a deploy that was approved what it brings, and ends a repair that another revision has overtaken', async () => {
    const { store } = test.platform;
    const { id, tenantId, currentRevisionId } = await environmentNow(test, shop);
    const gated = `${sampleManifest}environments:\n  test: { approval: required }\n`;
    const commit = await shop.commit(gated);
    await shop.built(commit);
    const waiting = await askForDeploy(test, shop, commit);
    const overtaken = await repairEnvironment(test.platform, shop.caller, { projectId: shop.project.id, name: 'test' });
    await approveDeploy(test.platform, { ...shop.caller, actor: 'token:anna' }, waiting.id);
    const late = repairEnvironment(test.platform, shop.caller, { projectId: shop.project.id, name: 'test' });
    await assert.rejects(late, { code: 'record_changed' });
    await test.db.pool.query(`update work set priority = -1 where subject_id = $1`, [overtaken.id]);

    await test.work();

    assert.equal((await store.deploys.get(tenantId, overtaken.id)).status, 'superseded');
    assert.equal((await store.environments.get(tenantId, id)).currentRevisionId, waiting.revisionId);
    assert.notEqual(waiting.revisionId, currentRevisionId);
  });

  it('takes a moment between two acts for none', async () => {
    const { observe } = test.deployer;
    let asked = 0;
    test.deployer.observe = async (id) => (asked++ === 0 ? [] : observe(id));

    await look();

    assert.deepEqual([asked, await current(), (await drift()).items], [2, null, []]);
  });

  it('knows nothing while the engine does not answer: no drift begins and none ends, and it is said once', async () => {
    const { observe } = test.deployer;
    lose('jobs');
    await look();
    test.deployer.observe = async () => {
      throw new PlatformError('engine_unavailable', 'The engine does not answer.');
    };

    for (let round = 0; round < 3; round++) await look();
    const { health, hint, unknownBecause } = await environmentStatus(
      test.platform,
      shop.caller,
      shop.project.id,
      'test',
    );

    assert.equal(health, 'unknown');
    assert.match(unknownBecause ?? '', /The engine does not answer/);
    assert.match(hint ?? '', /engine/);
    assert.deepEqual(await current(), ['missing jobs']);
    const said = test.said.filter(({ sentence }) => sentence === 'what runs in an environment is not known');
    assert.equal(said.length, 1 + 1); // the watcher's, and that of the status
    test.deployer.observe = observe;
    await look();
    assert.deepEqual(await current(), ['missing jobs']);
  });

  it('leaves an environment alone while a deploy changes it, and while one is about to', async () => {
    lose('web');
    const commit = await shop.commit();
    await shop.built(commit);
    await askForDeploy(test, shop, commit);
    await look();
    const before = await current();

    await test.work();
    await look();

    assert.deepEqual([before, await current(), (await drift()).items], [null, null, []]);
  });

  it('records one drift however many processes look', async () => {
    lose('web');

    await Promise.all([driftMemory(), driftMemory(), driftMemory()].map(look));

    assert.deepEqual([(await drift()).items.length, await current()], [1, ['missing web']]);
  });

  it('counts the drift of a revision as over when the next one serves', async () => {
    lose('web');
    await look();
    const commit = await shop.commit();
    await shop.built(commit);
    await deployed(test, shop, commit);

    await look();

    assert.deepEqual([await current(), (await drift()).items.length], [null, 1]);
  });
});

describe('watching a runtime that tells of its changes', () => {
  it('looks at what changed at once, and still looks at all by time', async () => {
    const { id } = await environmentNow(test, shop);
    const stop = new AbortController();
    const told = Promise.withResolvers<void>();
    let breaks = 1;
    test.deployer.changes = async function* () {
      if (breaks-- > 0) throw new Error('the cluster is away');
      await told.promise;
      yield id;
    };
    const platform = { ...test.platform, settings: { ...test.platform.settings, driftMs: 60_000 } };
    const watching = watchDrift(platform, stop.signal);
    await sleep(300);
    lose('web');
    const before = await current();
    told.resolve();
    while ((await current()) === null) await sleep(50);
    stop.abort();
    await watching;

    assert.deepEqual([before, await current()], [null, ['missing web']]);
    assert.equal(test.said.filter(({ sentence }) => /changes of what runs are not heard/.test(sentence)).length, 1);
  });
});

describe('repairing drift', () => {
  it('is not done where it is only reported', async () => {
    lose('web');
    await look();

    assert.deepEqual([await repairs(), (await drift()).repair], [[], null]);
  });

  it('starts what is missing again, keeps what is well, and makes no revision', async () => {
    await toRepair();
    const { currentRevisionId } = await environmentNow(test, shop);
    const kept = instanceOf('jobs').name;
    lose('web');
    await look();
    await test.work();
    await look();

    const [repaired, ...others] = await repairs();
    assert.deepEqual([repaired?.status, others.length, repaired?.createdBy], ['healthy', 0, 'system']);
    assert.equal((await environmentNow(test, shop)).currentRevisionId, currentRevisionId);
    assert.equal(instanceOf('jobs').name, kept);
    const { current: lasting, items } = await drift();
    assert.equal(lasting, null);
    assert.equal(items[0]?.repairDeployId, repaired?.id);
    const status = await environmentStatus(test.platform, shop.caller, shop.project.id, 'test');
    assert.deepEqual([status.health, status.differences], ['ready', []]);
  });

  it('is tried later and later where it does not help, and says so', async () => {
    await toRepair();
    lose('web');
    test.deployer.script.web = { unhealthy: true };
    for (let round = 0; round < 4; round++) {
      await look();
      await test.work();
    }

    const [failed, ...others] = await repairs();
    assert.deepEqual([failed?.status, others.length], ['failed', 0]);
    const { repair } = await drift();
    const wait = (repair?.nextAt?.getTime() ?? 0) - (failed?.completedAt?.getTime() ?? 0);
    assert.deepEqual([repair?.tried.length, wait], [1, 30_000]);
    const said = test.said.filter(({ sentence }) => /did not help/.test(sentence));
    assert.equal(said.length, 1);

    const { platform } = test;
    const later = { ...platform, now: () => new Date(Date.now() + 31_000) };
    await lookForDrift(later, memory, signal);
    assert.equal((await repairs()).length, 2);
    await test.work();
  });

  it('is left to people while the environment is locked', async () => {
    await toRepair();
    const lock = { projectId: shop.project.id, name: 'test', reason: 'moving the database' };
    await lockEnvironment(test.platform, shop.caller, lock);
    lose('web');

    for (let round = 0; round < 3; round++) await look();

    assert.deepEqual(await repairs(), []);
    const said = test.said.filter(({ sentence }) => sentence === 'a drift is not repaired');
    assert.equal(said.length, 1);
    assert.match(JSON.stringify(said), /moving the database/);
  });

  it('is queued at once when somebody asks for it, but not twice', async () => {
    lose('web');
    await look();
    const which = { projectId: shop.project.id, name: 'test' };
    const repair = () => repairEnvironment(test.platform, shop.caller, which);

    const deploy = await repair();
    await assert.rejects(repair(), { code: 'record_changed', message: new RegExp(deploy.id) });
    await test.work();
    await look();

    assert.deepEqual([deploy.cause, deploy.createdBy], ['repair', shop.caller.actor]);
    assert.deepEqual([await current(), (await drift()).items[0]?.repairDeployId], [null, deploy.id]);
  });
});
