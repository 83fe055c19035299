import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  deployed,
  eachOnSampleProject,
  environmentNow,
  type SampleProject,
  type TestPlatform,
} from '../../testing/index.ts';
import { repairEnvironment } from './repair-drift.ts';
import { driftMemory, lookForDrift } from './watch-drift.ts';

let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject(
  (scene) => {
    ({ test, shop } = scene);
  },
  { exchange: 'rolling' },
);

describe('repairing drift where the runtime exchanges instances', () => {
  it('has it put right what serves, whatever the strategy of the environment', async () => {
    const commit = await shop.commit();
    await shop.built(commit);
    await deployed(test, shop, commit);
    const { tenantId, id } = await environmentNow(test, shop);
    const lost = test.deployer.instances.findIndex(({ service }) => service === 'web');
    test.deployer.instances.splice(lost, 1);
    await lookForDrift(test.platform, driftMemory(), AbortSignal.timeout(20_000));

    await repairEnvironment(test.platform, shop.caller, { projectId: shop.project.id, name: 'test' });
    await test.work();

    const { items } = await test.platform.store.deploys.list(tenantId, id, { limit: 5 });
    assert.deepEqual(
      items.map(({ cause, status, strategy }) => [cause, status, strategy.kind]),
      [
        ['repair', 'healthy', 'blue_green'],
        ['direct', 'healthy', 'blue_green'],
      ],
    );
    assert.equal(test.deployer.rolled.length, 1);
    const web = test.deployer.instances.filter(({ service }) => service === 'web');
    assert.deepEqual(
      web.map(({ named, state }) => [named, state]),
      [[true, 'running']],
    );
  });
});
