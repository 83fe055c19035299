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
} from '../../testing/index.ts';
import type { Failpoint } from '../platform.ts';
import { cancelDeploy } from './cancel-deploy.ts';
import { promoteDeploy } from './steer-canary.ts';
import { retirement } from './succeed-deploy.ts';

let test: TestPlatform;
let shop: SampleProject;

const eachOn = (exchange: Exchange) =>
  eachOnSampleProject(
    (scene) => {
      ({ test, shop } = scene);
    },
    { exchange },
  );

const manifest = `services:
  web:
    build: { context: web }
    ports: ["8000"]
    deploy: { replicas: 2 }
    x-eve: { release_command: migrate }
  jobs:
    build: { context: jobs }
environments:
  test: { stabilise: 100ms }
`;
const deployNow = ({ tenantId, id }: Deploy) => test.platform.store.deploys.get(tenantId, id);

const oldServes = { names: ['jobs#1', 'web#1', 'web#1'], traffic: ['web#1 1', 'web#1 1'] };
const newServes = { names: ['jobs#2', 'web#2', 'web#2'], traffic: ['web#2 1', 'web#2 1'] };
const begun = { names: ['jobs#1', 'web#1', 'web#2'], traffic: ['web#1 1', 'web#2 1'] };
const canary = { names: oldServes.names, traffic: ['web#1 9', 'web#1 9', 'web#2 1', 'web#2 1'] };

type Exchange = TestPlatform['deployer']['exchange']['by'];

/** Strategy, the place where its worker dies, and what serves there. */
const deaths = (exchange: Exchange): readonly (readonly [string, Failpoint, object])[] => [
  ['blue-green', 'after-claim', oldServes],
  ['blue-green', 'after-plan', oldServes],
  ['blue-green', 'after-release-command', oldServes],
  ['blue-green', 'after-start-instances', oldServes],
  ['blue-green', 'before-switch', oldServes],
  ['blue-green', 'after-switch', newServes],
  ['blue-green', 'in-stabilising', newServes],
  ['blue-green', 'before-healthy', newServes],
  // Where the runtime exchanges them itself there is nothing left to switch by then.
  ['rolling', 'before-switch', exchange === 'rolling' ? newServes : oldServes],
  ['rolling', 'in-rolling', begun],
  ['rolling', 'in-stabilising', newServes],
  ['canary:10', 'in-canary', canary],
];

/** Asks for a deploy beside one that serves, and lets its worker die on the way. */
async function killed(strategy: string, failpoint: Failpoint): Promise<Deploy> {
  await deployed(test, shop, await builtCommit(shop, manifest));
  const asked = await askForDeploy(test, shop, { ...(await builtCommit(shop, manifest)), strategy });
  await test.killAt('deploy', failpoint);
  return asked;
}

for (const exchange of ['halting', 'rolling'] as const)
  describe(`a deploy whose worker dies, ${exchange}`, () => {
    eachOn(exchange);

    for (const [strategy, failpoint, serving] of deaths(exchange)) {
      it(`goes on and happens once: ${strategy}, ${failpoint}`, async () => {
        const asked = await killed(strategy, failpoint);
        const meanwhile = await servingNow(test, shop);

        if (strategy.startsWith('canary')) {
          await test.work(async () => (await deployNow(asked)).phase === 'paused');
          await promoteDeploy(test.platform, shop.caller, asked.id);
        }
        await test.work();

        assert.deepEqual(meanwhile, serving);
        assert.equal((await deployNow(asked)).status, 'healthy');
        assert.deepEqual(await servingNow(test, shop), newServes);
        assert.deepEqual(runningNow(test), newServes.names);
        const history = await test.platform.store.transitions.list(asked.tenantId, asked.id);
        assert.deepEqual(
          history.map(({ to }) => to),
          ['pending', 'deploying', 'healthy'],
        );
        assert.equal(test.runner.started.length, 2, 'the release command of each deploy ran once');
      });

      if (serving !== oldServes) {
        it(`gives everything back when it is cancelled then: ${strategy}, ${failpoint}`, async () => {
          const asked = await killed(strategy, failpoint);

          await cancelDeploy(test.platform, shop.caller, asked.id);
          await test.work();

          assert.equal((await deployNow(asked)).status, 'cancelled');
          assert.deepEqual(await servingNow(test, shop), oldServes);
          assert.deepEqual(runningNow(test), oldServes.names);
        });
      }
    }
  });

describe('a deploy whose worker dies', () => {
  eachOn('halting');

  it('still serves where its environment does not go back by itself and an instance ends before it is taken over', async () => {
    const staying = manifest.replace('stabilise: 100ms', 'stabilise: 100ms, auto_rollback: false');
    await deployed(test, shop, await builtCommit(shop, staying));
    const asked = await askForDeploy(test, shop, await builtCommit(shop, staying));
    await test.killAt('deploy', 'in-stabilising');
    const one = test.deployer.instances.find(({ deployId, service }) => deployId === asked.id && service === 'web');
    assert.ok(one);
    one.state = 'exited';

    await test.work();

    const { status, rolledBackTo } = await deployNow(asked);
    assert.deepEqual([status, rolledBackTo], ['failed', null]);
    assert.deepEqual(runningNow(test), ['jobs#2', 'web#2']);
    assert.equal((await environmentNow(test, shop)).currentRevisionId, asked.revisionId);
    assert.equal((await deployed(test, shop, await builtCommit(shop, staying))).status, 'healthy');
  });

  it('has happened when it died after its end', async () => {
    const asked = await killed('blue-green', 'after-healthy');

    await test.work();

    assert.equal((await deployNow(asked)).status, 'healthy');
    assert.deepEqual(runningNow(test), newServes.names);
  });

  for (const failpoint of ['before-retire', 'in-retire'] as const) {
    it(`is followed by one retirement although the worker of that dies ${failpoint}`, async () => {
      await deployed(test, shop, await builtCommit(shop, manifest));
      const asked = await askForDeploy(test, shop, await builtCommit(shop, manifest));
      test.platform.router.active = async () => 1;
      await test.work(async () => (await deployNow(asked)).status === 'healthy');
      test.platform.router.active = async () => 0;
      await test.killAt('control', failpoint);
      const meanwhile = await servingNow(test, shop);

      await test.work();

      assert.deepEqual(meanwhile, newServes);
      assert.deepEqual(await servingNow(test, shop), newServes);
      assert.deepEqual(runningNow(test), newServes.names);
    });
  }

  it('leaves nothing to retire in an environment that was deleted meanwhile', async () => {
    const deploy = await deployed(test, shop, await builtCommit(shop, manifest));
    const environment = await environmentNow(test, shop);
    await test.platform.store.environments.delete(deploy.tenantId, environment.id);
    await test.platform.store.queue.add(retirement(environment));

    await test.work();

    assert.equal(test.said.filter(({ sentence }) => sentence === 'work failed').length, 0);
  });

  it('gives half of a rolling deploy back when it is given up', async () => {
    const asked = await killed('rolling', 'in-rolling');
    test.deployer.apply = () => {
      throw new Error('the engine starts nothing');
    };

    await test.work();

    const { status, failure } = await deployNow(asked);
    assert.deepEqual([status, failure?.code], ['failed', 'infrastructure_error']);
    assert.deepEqual(await servingNow(test, shop), oldServes);
    assert.deepEqual(runningNow(test), oldServes.names);
  });

  it('leaves half of a rolling deploy serving while the engine is away, and goes on then', async () => {
    const asked = await killed('rolling', 'in-rolling');
    const { observe } = test.deployer;
    test.deployer.observe = async () => {
      throw new Error('the engine is away');
    };
    await test.work(() => test.said.some(({ sentence }) => sentence === 'work could not be given up'));
    const meanwhile = await servingNow(test, shop);

    test.deployer.observe = observe;
    await test.work();

    assert.deepEqual(meanwhile, begun);
    assert.equal((await deployNow(asked)).status, 'healthy');
    assert.deepEqual(await servingNow(test, shop), newServes);
    assert.deepEqual(runningNow(test), newServes.names);
  });

  it('is taken back to its end when the engine is lost while it gives back', async () => {
    await deployed(test, shop, await builtCommit(shop, manifest));
    test.deployer.script.web = { unhealthyFrom: 1 };
    const asked = await askForDeploy(test, shop, await builtCommit(shop, manifest));
    const { remove } = test.deployer;
    let losses = 1;
    test.deployer.remove = async (instances, signal) => {
      if (losses-- > 0) throw new Error('the engine is away');
      return remove(instances, signal);
    };

    await test.work();

    const { status, failure } = await deployNow(asked);
    assert.deepEqual([status, failure?.code], ['failed', 'unstable']);
    assert.deepEqual(await servingNow(test, shop), oldServes);
    assert.deepEqual(runningNow(test), oldServes.names);
  });
});
