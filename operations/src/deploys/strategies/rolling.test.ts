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
import { promoteDeploy } from '../steer-canary.ts';

let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject((scene) => {
  ({ test, shop } = scene);
});

const manifest = (update: string, replicas = 3) => `services:
  web:
    build: { context: web }
    ports: ["8000"]
    deploy: { replicas: ${replicas}, update_config: { ${update} } }
  jobs:
    build: { context: jobs }
    deploy: { replicas: 2 }
environments:
  test: { strategy: rolling }
`;
const deployNow = ({ tenantId, id }: Deploy) => test.platform.store.deploys.get(tenantId, id);
const counted = (names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, names.filter((each) => each === name).length]));

/** What served after each switch, as `old+new` of web. */
function watchWeb(): string[] {
  const seen: string[] = [];
  const { serve } = test.deployer;
  test.deployer.serve = async (target, names, lease, signal) => {
    await serve(target, names, lease, signal);
    const web = names.filter((name) => name.includes('-web-'));
    const running = test.deployer.instances.filter(({ state, service }) => state === 'running' && service === 'web');
    seen.push(
      `${web.filter((name) => name.includes('-web-1-')).length}+${web.filter((name) => name.includes('-web-2-')).length} of ${running.length}`,
    );
  };
  return seen;
}

describe('a rolling deploy', () => {
  it('replaces replicas one after another, the new before the old', async () => {
    await deployed(test, shop, await builtCommit(shop, manifest('parallelism: 1')));
    const seen = watchWeb();

    const deploy = await deployed(test, shop, await builtCommit(shop, manifest('parallelism: 1')));

    assert.equal(deploy.status, 'healthy');
    assert.deepEqual(seen.filter((each, index) => each !== seen[index - 1]).slice(0, 3), [
      '2+1 of 4',
      '1+2 of 4',
      '0+3 of 4',
    ]);
    assert.deepEqual(counted(runningNow(test)), { 'jobs#2': 2, 'web#2': 3 });
    assert.equal(test.deployer.halted.filter((name) => name.includes('-web-1-')).length, 3);
  });

  it('stops the old first where the service says so, as many at a time', async () => {
    const stopFirst = manifest('parallelism: 2, order: stop-first');
    await deployed(test, shop, await builtCommit(shop, stopFirst));
    const seen = watchWeb();

    const deploy = await deployed(test, shop, await builtCommit(shop, stopFirst));

    assert.equal(deploy.status, 'healthy');
    const web = seen.filter((each, index) => each !== seen[index - 1]);
    assert.deepEqual(web.slice(0, 4), ['1+0 of 3', '1+2 of 3', '0+2 of 3', '0+3 of 3']);
  });

  it('brings every old replica back when a later one fails', async () => {
    const good = await deployed(test, shop, await builtCommit(shop, manifest('parallelism: 1')));
    test.deployer.script.web = {};
    const commit = await builtCommit(shop, manifest('parallelism: 1'));
    const { apply } = test.deployer;
    test.deployer.apply = (target, lease, signal, upTo) => {
      if (upTo?.web === 3) test.deployer.script.web = { unhealthy: true };
      return apply(target, lease, signal, upTo);
    };

    const bad = await deployed(test, shop, commit);

    assert.equal(bad.failure?.code, 'health_check_failed');
    assert.equal(bad.rolledBackTo, good.id);
    assert.deepEqual(counted(runningNow(test)), { 'jobs#1': 2, 'web#1': 3 });
    const { names, traffic } = await servingNow(test, shop);
    assert.deepEqual(counted(names), { 'jobs#1': 2, 'web#1': 3 });
    assert.deepEqual(counted(traffic), { 'web#1 1': 3 });
  });

  it('brings them back when it is watched and turns out unstable, or is cancelled', async () => {
    const monitored = manifest('parallelism: 1, monitor: 100ms');
    await deployed(test, shop, await builtCommit(shop, monitored));
    test.deployer.script.web = { exitsFrom: 1 };

    const bad = await deployed(test, shop, await builtCommit(shop, monitored));
    test.deployer.script.web = {};
    const asked = await askForDeploy(test, shop, await builtCommit(shop, monitored));
    let isAsked = false;
    await test.work(async () => {
      const { status } = await deployNow(asked);
      if (!isAsked && test.deployer.halted.some((name) => name.includes('-web-'))) {
        isAsked = true;
        await cancelDeploy(test.platform, shop.caller, asked.id);
      }
      return status !== 'pending' && status !== 'deploying';
    });
    await test.work();

    assert.equal(bad.failure?.code, 'unstable');
    assert.equal((await deployNow(asked)).status, 'cancelled');
    assert.deepEqual(counted((await servingNow(test, shop)).names), { 'jobs#1': 2, 'web#1': 3 });
    assert.deepEqual(counted(runningNow(test)), { 'jobs#1': 2, 'web#1': 3 });
  });

  it('pauses on a failure where the service says so, and goes on when it is promoted', async () => {
    const pausing = manifest('parallelism: 1, failure_action: pause');
    await deployed(test, shop, await builtCommit(shop, pausing));
    const commit = await builtCommit(shop, pausing);
    const { apply } = test.deployer;
    test.deployer.apply = (target, lease, signal, upTo) => {
      test.deployer.script.web = upTo?.web === 2 ? { unhealthy: true } : {};
      return apply(target, lease, signal, upTo);
    };
    const asked = await askForDeploy(test, shop, commit);

    await test.work(async () => (await deployNow(asked)).phase === 'paused');
    const paused = await servingNow(test, shop);
    test.deployer.apply = apply;
    test.deployer.script.web = {};
    await promoteDeploy(test.platform, shop.caller, asked.id);
    await test.work();

    assert.deepEqual(counted(paused.traffic), { 'web#1 1': 2, 'web#2 1': 1 });
    assert.equal((await deployNow(asked)).status, 'healthy');
    assert.deepEqual(counted(runningNow(test)), { 'jobs#2': 2, 'web#2': 3 });
  });

  it('goes from fewer replicas to more and back, and takes services away at its end', async () => {
    await deployed(test, shop, await builtCommit(shop, manifest('parallelism: 1', 1)));
    await deployed(test, shop, await builtCommit(shop, manifest('parallelism: 1', 3)));
    const more = counted(runningNow(test));
    const less = manifest('parallelism: 1', 1).replace(/ {2}jobs:\n.*\n.*\n/, '');

    const deploy = await deployed(test, shop, await builtCommit(shop, less));

    assert.equal(deploy.status, 'healthy');
    assert.deepEqual(more, { 'jobs#2': 2, 'web#2': 3 });
    assert.deepEqual(counted(runningNow(test)), { 'web#3': 1 });
  });
});
