import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Deploy } from '@eve/domain';
import {
  askForDeploy,
  builtCommit,
  deployed,
  eachOnSampleProject,
  runningNow,
  type SampleProject,
  servingNow,
  type TestPlatform,
} from '../../../testing/index.ts';
import { cancelDeploy } from '../cancel-deploy.ts';
import { pauseDeploy, promoteDeploy } from '../steer-canary.ts';
import { waitingDeploy } from '../waiting-deploy.ts';

let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject((scene) => {
  ({ test, shop } = scene);
});

const manifest = (replicas = 1, more = '') => `services:
  web:
    build: { context: web }
    ports: ["8000"]
    deploy: { replicas: ${replicas} }
  jobs:
    build: { context: jobs }
${more}`;
const deployNow = ({ tenantId, id }: Deploy) => test.platform.store.deploys.get(tenantId, id);
const isAt =
  (deploy: Deploy, weight: number, phase = 'paused') =>
  async () => {
    const { canary, phase: now } = await deployNow(deploy);
    return canary?.weight === weight && now === phase;
  };
/** Whether its work has been given back, so that it holds no slot while it waits. */
const isGivenBack = async ({ id }: Deploy) => (await test.platform.queue.position('execute-deploy', id))?.reason;

describe('a canary deploy', () => {
  it('gives the new revision a part of the traffic until it is promoted, and its names only then', async () => {
    await deployed(test, shop, await builtCommit(shop, manifest(2)));
    const asked = await askForDeploy(test, shop, {
      ...(await builtCommit(shop, manifest(2))),
      strategy: 'canary:10,50',
    });

    await test.work(isAt(asked, 10));
    await test.work(async () => (await isGivenBack(asked)) === 'approval');
    const [first, waiting, run] = [await servingNow(test, shop), await isGivenBack(asked), runningNow(test)];
    await promoteDeploy(test.platform, shop.caller, asked.id);
    await test.work(isAt(asked, 50));
    const second = await servingNow(test, shop);
    await promoteDeploy(test.platform, shop.caller, asked.id);
    await test.work();

    assert.deepEqual(first.traffic, ['web#1 9', 'web#1 9', 'web#2 1', 'web#2 1']);
    assert.deepEqual(first.names, ['jobs#1', 'web#1', 'web#1']);
    assert.equal(waiting, 'approval');
    // A second worker would take work that no weight divides.
    assert.deepEqual(run, ['jobs#1', 'web#1', 'web#1', 'web#2', 'web#2']);
    assert.deepEqual(second.traffic, ['web#1 1', 'web#1 1', 'web#2 1', 'web#2 1']);
    assert.equal((await deployNow(asked)).status, 'healthy');
    assert.deepEqual(await servingNow(test, shop), {
      names: ['jobs#2', 'web#2', 'web#2'],
      traffic: ['web#2 1', 'web#2 1'],
    });
    assert.deepEqual(runningNow(test), ['jobs#2', 'web#2', 'web#2']);
  });

  it('takes timed steps by itself, and can be paused and given everything', async () => {
    await deployed(test, shop, await builtCommit(shop, manifest()));
    const timed = 'canary:10@200ms,20@1h';
    const asked = await askForDeploy(test, shop, { ...(await builtCommit(shop, manifest())), strategy: timed });

    await test.work(isAt(asked, 20, 'canary'));
    await pauseDeploy(test.platform, shop.caller, asked.id);
    await test.work(isAt(asked, 20));
    await promoteDeploy(test.platform, shop.caller, asked.id, { full: true });
    await test.work();

    assert.equal((await deployNow(asked)).status, 'healthy');
    assert.deepEqual(runningNow(test), ['jobs#2', 'web#2']);
    const told = (await test.lines(asked)).filter((line) => line.includes('%') || line.startsWith('Promoted'));
    assert.deepEqual(told, [
      'Strategy: canary, 10 % for 0.2 s, 20 % for 3600 s, then all',
      '10 % of the traffic goes to the new revision',
      '20 % of the traffic goes to the new revision',
      '20 % of the traffic goes to the new revision; waiting for a promotion or an abort',
      'Promoted: everything goes to the new revision',
    ]);
  });

  it('gives all traffic back when it turns out unstable while it waits, or is aborted', async () => {
    const good = await deployed(test, shop, await builtCommit(shop, manifest()));
    test.deployer.script.web = { exitsFrom: 3 };
    const [one, two] = [await builtCommit(shop, manifest()), await builtCommit(shop, manifest())];
    const bad = await askForDeploy(test, shop, { ...one, strategy: 'canary' });
    await test.work();
    test.deployer.script.web = {};
    const aborted = await askForDeploy(test, shop, { ...two, strategy: 'canary' });
    await test.work(isAt(aborted, 10));
    await cancelDeploy(test.platform, shop.caller, aborted.id);
    await test.work();

    const { failure, rolledBackTo } = await deployNow(bad);
    assert.equal(failure?.code, 'unstable');
    assert.match(failure?.message ?? '', /has exited/);
    assert.equal(rolledBackTo, good.id);
    assert.equal((await deployNow(aborted)).status, 'cancelled');
    assert.deepEqual(await servingNow(test, shop), { names: ['jobs#1', 'web#1'], traffic: ['web#1 1'] });
    assert.deepEqual(runningNow(test), ['jobs#1', 'web#1']);
  });

  it('keeps its environment while it waits: another deploy comes after it', async () => {
    await deployed(test, shop, await builtCommit(shop, manifest()));
    const [one, two] = [await builtCommit(shop, manifest()), await builtCommit(shop, manifest())];
    const first = await askForDeploy(test, shop, { ...one, strategy: 'canary' });
    await test.work(isAt(first, 10));

    const second = await askForDeploy(test, shop, two);
    await test.work(async () => (await isGivenBack(second)) === 'lock');
    const meanwhile = (await deployNow(second)).status;
    const why = await waitingDeploy(test.platform, await deployNow(second));
    await promoteDeploy(test.platform, shop.caller, first.id);
    await test.work();

    assert.equal(meanwhile, 'pending');
    assert.match(why ?? '', new RegExp(`eve deploy promote ${first.id}.*eve deploy abort ${first.id}`));
    assert.deepEqual([(await deployNow(first)).status, (await deployNow(second)).status], ['healthy', 'healthy']);
    assert.deepEqual(runningNow(test), ['jobs#3', 'web#3']);
  });

  it('does not keep one that waits for it from being cancelled while a worker looks at that', async () => {
    await deployed(test, shop, await builtCommit(shop, manifest()));
    const [one, two] = [await builtCommit(shop, manifest()), await builtCommit(shop, manifest())];
    const first = await askForDeploy(test, shop, { ...one, strategy: 'canary' });
    await test.work(isAt(first, 10));
    const second = await askForDeploy(test, shop, two);
    const { store, now } = test.platform;
    // All that cancelling does while the work is in a worker's hands.
    await store.deploys.requestCancel(second.tenantId, second.id, shop.caller.actor, now());

    await test.work(async () => (await deployNow(second)).status === 'cancelled');

    assert.equal((await deployNow(first)).phase, 'paused');
  });

  it('moves all at once where nothing could share its traffic', async () => {
    const deploy = await deployed(test, shop, { ...(await builtCommit(shop, manifest())), strategy: 'canary' });

    assert.equal(deploy.status, 'healthy');
    assert.deepEqual((await servingNow(test, shop)).traffic, ['web#1 1']);
  });

  it('leaves one that writes to a volume in its place until it is promoted', async () => {
    const store = `  db:
    build: { context: web }
    volumes: ["data:/data"]
    environment: { LEVEL: "1" }
volumes: { data: {} }
`;
    const [one, two] = [manifest(1, store), manifest(1, store.replace('"1"', '"2"'))];
    await deployed(test, shop, await builtCommit(shop, one));
    const asked = await askForDeploy(test, shop, { ...(await builtCommit(shop, two)), strategy: 'canary' });

    await test.work(isAt(asked, 10));
    const meanwhile = runningNow(test);
    await promoteDeploy(test.platform, shop.caller, asked.id);
    await test.work();

    assert.deepEqual(meanwhile, ['db#1', 'jobs#1', 'web#1', 'web#2']);
    assert.deepEqual(runningNow(test), ['db#2', 'jobs#2', 'web#2']);
  });
});

describe('a canary deploy where only numbers of instances divide the traffic', () => {
  const numbers = async () => {
    const { traffic } = await servingNow(test, shop);
    return Object.fromEntries([...Map.groupBy(traffic, (each) => each)].map(([each, all]) => [each, all.length]));
  };

  it('starts as many new ones as a step needs, all at its promotion, and says what that comes to', async () => {
    Object.assign(test.router, { weights: 'by_replicas' });
    await deployed(test, shop, await builtCommit(shop, manifest(4)));
    const commit = await builtCommit(shop, manifest(4));
    const asked = await askForDeploy(test, shop, { ...commit, strategy: 'canary:10,40,90' });

    const seen: object[] = [];
    for (const weight of [10, 40, 90]) {
      await test.work(isAt(asked, weight));
      seen.push(await numbers());
      await promoteDeploy(test.platform, shop.caller, asked.id);
    }
    await test.work();

    assert.deepEqual(seen, [
      { 'web#1 1': 4, 'web#2 1': 1 },
      { 'web#1 1': 4, 'web#2 1': 3 },
      { 'web#1 1': 4, 'web#2 1': 4 },
    ]);
    assert.equal((await deployNow(asked)).status, 'healthy');
    assert.deepEqual(await numbers(), { 'web#2 1': 4 });
    assert.deepEqual(runningNow(test), ['jobs#2', 'web#2', 'web#2', 'web#2', 'web#2']);
    const told = (await test.lines(asked)).filter((line) => line.includes('instances of web'));
    assert.deepEqual(
      told.map((line) => line.split(';')[0]),
      [
        '1 of 5 instances of web are new: about 20 % of the traffic',
        '3 of 7 instances of web are new: about 43 % of the traffic',
        '4 of 8 instances of web are new: about 50 % of the traffic',
      ],
    );
  });

  it('goes on after its worker died between two numbers', async () => {
    Object.assign(test.router, { weights: 'by_replicas' });
    await deployed(test, shop, await builtCommit(shop, manifest(4)));
    const commit = await builtCommit(shop, manifest(4));
    const asked = await askForDeploy(test, shop, { ...commit, strategy: 'canary:10,40' });
    await test.work(isAt(asked, 10));
    await promoteDeploy(test.platform, shop.caller, asked.id);
    await test.killAt('deploy', 'in-canary');

    await test.work(isAt(asked, 40));
    const seen = await numbers();
    await cancelDeploy(test.platform, shop.caller, asked.id);
    await test.work();

    assert.deepEqual(seen, { 'web#1 1': 4, 'web#2 1': 3 });
    assert.deepEqual(await numbers(), { 'web#1 1': 4 });
    assert.deepEqual(runningNow(test), ['jobs#1', 'web#1', 'web#1', 'web#1', 'web#1']);
  });
});
