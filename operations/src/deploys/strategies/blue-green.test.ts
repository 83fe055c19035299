import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Deploy } from '@eve/domain';
import {
  askForDeploy,
  builtCommit,
  deployed,
  eachOnSampleProject,
  environmentNow,
  runningNow,
  type SampleProject,
  servingNow,
  type TestPlatform,
} from '../../../testing/index.ts';
import { cancelDeploy } from '../cancel-deploy.ts';
import { rollbackEnvironment } from '../rollback-environment.ts';

let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject((scene) => {
  ({ test, shop } = scene);
});

const manifest = (environment: string, web = '') => `services:
  web:
    build: { context: web }
    ports: ["8000"]
${web}
  jobs:
    build: { context: jobs }
environments:
  test: { ${environment} }
`;
const deployNow = ({ tenantId, id }: Deploy) => test.platform.store.deploys.get(tenantId, id);

describe('a blue-green deploy', () => {
  it('is watched after its switch and healthy only then', async () => {
    const watching = manifest('stabilise: 200ms');
    await deployed(test, shop, await builtCommit(shop, watching));
    const asked = await askForDeploy(test, shop, await builtCommit(shop, watching));
    const seen: unknown[] = [];

    await test.work(async () => {
      const { phase, status } = await deployNow(asked);
      if (phase === 'stabilising' && seen.length === 0) seen.push(runningNow(test), await servingNow(test, shop));
      return status === 'healthy';
    });

    const both = ['jobs#1', 'jobs#2', 'web#1', 'web#2'];
    assert.deepEqual(seen, [both, { names: ['jobs#2', 'web#2'], traffic: ['web#2 1'] }]);
    const lines = await test.lines(asked);
    assert.ok(
      lines.includes('Watching 2 new instances for 0.2 s') && lines.includes('Stayed healthy'),
      lines.join('\n'),
    );
  });

  it('gives way to what served before when it turns out unstable, with all that was seen', async () => {
    const watching = manifest('stabilise: 1s');
    const good = await deployed(test, shop, await builtCommit(shop, watching));
    test.deployer.script.web = { unhealthyFrom: 2 };

    const bad = await deployed(test, shop, await builtCommit(shop, watching));

    assert.equal(bad.status, 'failed');
    assert.equal(bad.failure?.code, 'unstable');
    assert.match(
      bad.failure?.message ?? '',
      /web-2-1 of service web was healthy and is not any more: GET \/health: 503/,
    );
    assert.equal(bad.rolledBackTo, good.id);
    const [jobs, web] = bad.failure?.instances.toSorted((a, b) => a.service.localeCompare(b.service)) ?? [];
    assert.deepEqual([jobs?.service, jobs?.probes.every(({ ok }) => ok)], ['jobs', true]);
    assert.deepEqual(web?.probes.map(({ ok }) => ok).slice(0, 3), [true, false, false]);
    assert.ok(web?.logs.some((line) => line.endsWith('listens')));
    assert.deepEqual(runningNow(test), ['jobs#1', 'web#1']);
    assert.deepEqual(await servingNow(test, shop), { names: ['jobs#1', 'web#1'], traffic: ['web#1 1'] });
    assert.equal((await environmentNow(test, shop)).currentRevisionId, good.revisionId);
    assert.ok((await test.lines(bad)).some((line) => line.startsWith('Traffic went back')));
  });

  it('stays although it is unstable where the environment does not go back by itself', async () => {
    const staying = manifest('stabilise: 1s, auto_rollback: false');
    await deployed(test, shop, await builtCommit(shop, staying));
    test.deployer.script.web = { exitsFrom: 2 };

    const bad = await deployed(test, shop, await builtCommit(shop, staying));
    test.deployer.script.web = {};
    const next = await deployed(test, shop, await builtCommit(shop, staying));

    assert.equal(bad.failure?.code, 'unstable');
    assert.equal(bad.rolledBackTo, null);
    assert.equal(next.status, 'healthy');
    assert.deepEqual(runningNow(test), ['jobs#3', 'web#3']);
  });

  it('is watched no longer when another deploy waits', async () => {
    const watching = manifest('stabilise: 1h');
    const [one, two] = [await builtCommit(shop, watching), await builtCommit(shop, manifest('stabilise: 0s'))];
    const first = await askForDeploy(test, shop, one);
    await test.work(async () => (await deployNow(first)).phase === 'stabilising');
    await askForDeploy(test, shop, two);

    await test.work();

    assert.equal((await deployNow(first)).status, 'healthy');
    assert.ok((await test.lines(first)).some((line) => line.startsWith('Healthy so far')));
    assert.deepEqual(runningNow(test), ['jobs#2', 'web#2']);
  });

  it('gives traffic back when it is cancelled while it is watched', async () => {
    await deployed(test, shop, await builtCommit(shop, manifest('stabilise: 0s')));
    const asked = await askForDeploy(test, shop, await builtCommit(shop, manifest('stabilise: 1h')));
    await test.work(async () => (await deployNow(asked)).phase === 'stabilising');

    await cancelDeploy(test.platform, shop.caller, asked.id);
    await test.work();

    assert.equal((await deployNow(asked)).status, 'cancelled');
    assert.deepEqual(runningNow(test), ['jobs#1', 'web#1']);
    assert.deepEqual(await servingNow(test, shop), { names: ['jobs#1', 'web#1'], traffic: ['web#1 1'] });
  });

  it('keeps what it replaced warm, so that a rollback starts nothing anew', async () => {
    const warm = manifest('strategy: { type: blue-green, keep_warm: 1h }');
    await deployed(test, shop, await builtCommit(shop, warm));
    const second = await askForDeploy(test, shop, await builtCommit(shop, warm));
    await test.work(async () => runningNow(test).length === 3 && (await deployNow(second)).status === 'healthy');
    const kept = runningNow(test);
    const retirement = () => test.platform.queue.position('retire-instances', second.environmentId);
    await test.work(async () => (await retirement())?.reason === 'warm');
    const before = test.deployer.instances.map(({ name }) => name);

    const { deploy } = await rollbackEnvironment(test.platform, shop.caller, {
      projectId: shop.project.id,
      envName: 'test',
    });
    assert.ok(deploy);
    await test.work(async () => (await deployNow(deploy)).status === 'healthy' && runningNow(test).length === 3);

    assert.deepEqual(kept, ['jobs#2', 'web#1', 'web#2']);
    const started = test.deployer.instances.map(({ name }) => name).filter((name) => !before.includes(name));
    assert.deepEqual(
      started.map((name) => name.replace(/^.*-(jobs|web)-/, '$1-')),
      ['jobs-3-1'],
    );
    assert.deepEqual(await servingNow(test, shop), { names: ['jobs#3', 'web#1'], traffic: ['web#1 1'] });
  });

  it('gives no traffic to one that was kept warm and is not well any more', async () => {
    const warm = manifest('strategy: { type: blue-green, keep_warm: 1h }', '    deploy: { replicas: 2 }');
    await deployed(test, shop, await builtCommit(shop, warm));
    const second = await askForDeploy(test, shop, await builtCommit(shop, warm));
    await test.work(async () => (await deployNow(second)).status === 'healthy');
    const [ill, well] = test.deployer.instances.filter(({ name }) => /-web-1-\d$/.test(name)).map(({ name }) => name);
    test.deployer.script[ill ?? ''] = { unhealthy: true };

    const { deploy } = await rollbackEnvironment(test.platform, shop.caller, {
      projectId: shop.project.id,
      envName: 'test',
    });
    assert.ok(deploy);
    await test.work(async () => (await deployNow(deploy)).completedAt !== null);

    assert.equal((await deployNow(deploy)).status, 'healthy');
    assert.ok(!test.deployer.named('web').includes(ill ?? '') && test.deployer.named('web').includes(well ?? ''));
    assert.deepEqual((await servingNow(test, shop)).traffic, ['web#1 1', 'web#3 1']);
  });

  it('keeps only the revision before it warm, and that only for its time', async () => {
    const warm = manifest('strategy: { type: blue-green, keep_warm: 1s }');
    for (const _ of [1, 2, 3]) {
      const asked = await askForDeploy(test, shop, await builtCommit(shop, warm));
      await test.work(async () => (await deployNow(asked)).status === 'healthy');
    }
    await test.work(() => !runningNow(test).includes('web#1'));
    const meanwhile = runningNow(test).includes('web#3');

    await test.work();

    assert.ok(meanwhile);
    assert.deepEqual(runningNow(test), ['jobs#3', 'web#3']);
    assert.deepEqual(test.router.backends('web').length, 1);
  });
});
