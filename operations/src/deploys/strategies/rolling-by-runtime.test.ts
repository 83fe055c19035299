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
import { environmentLogs } from '../../runtime-logs/read-logs.ts';
import { deleteSecret } from '../../secrets/delete-secret.ts';
import { promoteDeploy } from '../steer-canary.ts';

let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject(
  (scene) => {
    ({ test, shop } = scene);
  },
  { exchange: 'rolling' },
);

const manifest = (update = 'parallelism: 1', more = 'strategy: rolling') => `services:
  web:
    build: { context: web }
    ports: ["8000"]
    deploy: { replicas: 3, update_config: { ${update} } }
  jobs:
    build: { context: jobs }
environments:
  test: { ${more} }
`;
const deployNow = ({ tenantId, id }: Deploy) => test.platform.store.deploys.get(tenantId, id);
const one = { names: ['jobs#1', 'web#1', 'web#1', 'web#1'], traffic: ['web#1 1', 'web#1 1', 'web#1 1'] };
const two = { names: ['jobs#2', 'web#2', 'web#2', 'web#2'], traffic: ['web#2 1', 'web#2 1', 'web#2 1'] };

/** The next instances of web, but for the first so many, do not become healthy. */
function breakAfter(well: number): void {
  let left = well;
  Object.defineProperty(test.deployer.script, 'web', {
    configurable: true,
    enumerable: true,
    get: () => (left-- > 0 ? {} : { unhealthy: true }),
    set: (value) => Object.defineProperty(test.deployer.script, 'web', { value, writable: true, configurable: true }),
  });
}

describe('a rolling deploy where the runtime exchanges instances itself', () => {
  it('is told which instances came, sends the traffic after them, and keeps the logs of those that went', async () => {
    await deployed(test, shop, await builtCommit(shop, manifest()));
    const [old] = test.deployer.instances.filter(({ service }) => service === 'web');
    assert.ok(old);
    test.deployer.print(old.name, 'the last words of an old one');
    const traffic: string[] = [];
    test.onFailpoint = (name) => {
      const table = test.router.tables.at(-1);
      if (name === 'in-rolling')
        traffic.push(`${table?.routes[0]?.backends.filter((b) => b.state === 'serving').length}`);
    };

    const deploy = await deployed(test, shop, await builtCommit(shop, manifest()));

    assert.equal(deploy.status, 'healthy');
    assert.deepEqual([await servingNow(test, shop), runningNow(test)], [two, two.names]);
    assert.deepEqual(traffic, ['3', '3', '3', '3']);
    assert.equal(test.deployer.rolled.length, 2, 'once for each deploy');
    const lines = await test.lines(deploy);
    assert.equal(lines.filter((line) => line.startsWith('Started')).length, 4);
    const question = { projectId: shop.project.id, envName: 'test', previous: true };
    const kept = await environmentLogs(test.platform, shop.caller, question, new AbortController().signal);
    assert.match(JSON.stringify(kept), /the last words of an old one/);
  });

  it('is rolled back when a later replica fails, and nothing of it stays', async () => {
    const good = await deployed(test, shop, await builtCommit(shop, manifest()));
    const commit = await builtCommit(shop, manifest());
    breakAfter(1);

    const bad = await deployed(test, shop, commit);

    assert.deepEqual([bad.status, bad.failure?.code], ['failed', 'health_check_failed']);
    assert.equal(bad.rolledBackTo, good.id);
    assert.deepEqual((await servingNow(test, shop)).names.length, 4);
    assert.deepEqual([await servingNow(test, shop), runningNow(test)], [one, one.names]);
  });

  it('stays as it stands where the service wants a pause, and goes on when it is promoted', async () => {
    const pausing = manifest('parallelism: 1, failure_action: pause');
    await deployed(test, shop, await builtCommit(shop, pausing));
    const commit = await builtCommit(shop, pausing);
    breakAfter(1);
    const asked = await askForDeploy(test, shop, commit);

    await test.work(async () => (await deployNow(asked)).phase === 'paused');
    const paused = await servingNow(test, shop);
    test.deployer.script.web = {};
    await promoteDeploy(test.platform, shop.caller, asked.id);
    await test.work();

    assert.deepEqual(paused.traffic, ['web#1 1', 'web#1 1', 'web#2 1']);
    assert.equal((await deployNow(asked)).status, 'healthy');
    assert.deepEqual([await servingNow(test, shop), runningNow(test)], [two, two.names]);
  });

  it('is watched once all of a service are there', async () => {
    const watched = manifest('parallelism: 1, monitor: 50ms');
    await deployed(test, shop, await builtCommit(shop, watched));
    test.deployer.script.web = { exitsFrom: 1 };

    const bad = await deployed(test, shop, await builtCommit(shop, watched));

    assert.equal(bad.failure?.code, 'unstable');
    assert.deepEqual(await servingNow(test, shop), one);
  });

  it('goes on although it fails while it is watched, where it is to continue', async () => {
    const going = manifest('parallelism: 1, monitor: 50ms, failure_action: continue');
    test.deployer.script.web = { unhealthyFrom: 1 };

    const kept = await deployed(test, shop, await builtCommit(shop, going));

    assert.equal(kept.status, 'healthy');
    assert.ok((await test.lines(kept)).some((line) => line.includes('The update goes on')));
  });
});

describe('giving back where the runtime exchanges instances itself', () => {
  it('is a switch where what served still runs: nothing is started for it', async () => {
    const greenBlue = manifest('parallelism: 1', 'strategy: blue-green, stabilise: 100ms');
    await deployed(test, shop, await builtCommit(shop, greenBlue));
    const before = test.deployer.instances.map(({ name }) => name).sort();
    test.deployer.script.web = { exitsFrom: 1 };

    const bad = await deployed(test, shop, await builtCommit(shop, greenBlue));

    assert.equal(bad.failure?.code, 'unstable');
    assert.deepEqual(await servingNow(test, shop), one);
    assert.deepEqual(test.deployer.instances.map(({ name }) => name).sort(), before);
  });

  it('leaves alone what cannot be made once more because its secret is gone', async () => {
    const secret = manifest().replace('ports:', `environment: { KEY: "\${secret.KEY}" }\n    ports:`);
    await shop.secret('KEY', 'first');
    await deployed(test, shop, await builtCommit(shop, secret));
    await deleteSecret(test.platform, shop.caller, { projectId: shop.project.id, key: 'KEY' });
    const before = test.deployer.instances.map(({ name }) => name).sort();
    test.deployer.script.jobs = { unhealthy: true };

    const bad = await deployed(test, shop, {
      ...(await builtCommit(shop, manifest())),
      strategy: 'blue-green',
    });

    assert.equal(bad.status, 'failed');
    assert.deepEqual(test.deployer.instances.map(({ name }) => name).sort(), before);
    assert.deepEqual(await servingNow(test, shop), one);
  });
});

describe('what the runtime does by itself while a deploy is watched', () => {
  it('is nothing against the deploy, when another instance is well in the place of one that was taken away', async () => {
    const watched = manifest('parallelism: 1', 'strategy: blue-green, stabilise: 300ms');
    let isTaken = false;
    test.onFailpoint = (name) => {
      const at = test.deployer.instances.findIndex(({ service }) => service === 'web');
      const taken = test.deployer.instances[at];
      if (name !== 'in-stabilising' || isTaken || !taken) return;
      isTaken = true;
      test.deployer.instances.splice(at, 1, { ...taken, name: 'web-moved', startedAt: new Date() });
    };

    const deploy = await deployed(test, shop, await builtCommit(shop, watched));

    assert.ok(isTaken);
    assert.deepEqual([deploy.status, deploy.failure?.message], ['healthy', undefined]);
  });

  it('is waited for in the middle of a canary', async () => {
    const plain = manifest('parallelism: 1', 'strategy: blue-green').replace('replicas: 3', 'replicas: 1');
    await deployed(test, shop, await builtCommit(shop, plain));
    const old = new Set(test.deployer.instances.map(({ name }) => name));
    let isTaken = false;
    test.onFailpoint = (name) => {
      const at = test.deployer.instances.findIndex((each) => each.service === 'web' && !old.has(each.name));
      const taken = test.deployer.instances[at];
      if (name !== 'in-canary' || isTaken || !taken) return;
      isTaken = true;
      const moved = { ...taken, name: 'web-moved', state: 'restarting' as const, startedAt: null };
      test.deployer.instances.splice(at, 1, moved);
      setTimeout(() => Object.assign(moved, { state: 'running', startedAt: new Date() }), 100);
    };

    const deploy = await deployed(test, shop, { ...(await builtCommit(shop, plain)), strategy: 'canary:50@1s' });

    assert.ok(isTaken);
    assert.deepEqual([deploy.status, deploy.failure?.message], ['healthy', undefined]);
  });
});
