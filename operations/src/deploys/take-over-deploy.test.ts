import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  askForDeploy,
  type Commit,
  deployed,
  eachOnSampleProject,
  type SampleProject,
  type TestPlatform,
} from '../../testing/index.ts';

let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject((scene) => {
  ({ test, shop } = scene);
});

async function builtCommit(manifest?: string): Promise<Commit> {
  const commit = await shop.commit(manifest);
  const { run } = await shop.built(commit);
  assert.equal(run.status, 'completed');
  return commit;
}

/** What runs, as `service of revision`. */
const running = () =>
  test.deployer.instances.map(({ name }) => name.replace(/^.*-(web|jobs)-(\d+)-\d+$/, '$1#$2')).sort();

describe('a deploy whose worker dies', () => {
  for (const failpoint of [
    'after-claim',
    'after-start-instances',
    'before-switch',
    'after-switch',
    'before-healthy',
    'after-healthy',
  ] as const) {
    it(`happens once when its worker dies ${failpoint}`, async () => {
      await deployed(test, shop, await builtCommit());
      const commit = await builtCommit();
      const { id, tenantId } = await askForDeploy(test, shop, commit);
      await test.killAt('deploy', failpoint);
      const meanwhile = test.router.backends('web').filter((name) => name.endsWith('serving'));

      await test.work();

      assert.equal(meanwhile.length, 1);
      assert.equal((await test.platform.store.deploys.get(tenantId, id)).status, 'healthy');
      assert.deepEqual(running(), ['jobs#2', 'web#2']);
      const history = await test.platform.store.transitions.list(tenantId, id);
      assert.deepEqual(
        history.map(({ to }) => to),
        ['pending', 'deploying', 'healthy'],
      );
    });
  }

  it('is followed by one retirement although the worker of that dies', async () => {
    await deployed(test, shop, await builtCommit());
    const { id, tenantId } = await askForDeploy(test, shop, await builtCommit());
    await test.work(async () => (await test.platform.store.deploys.get(tenantId, id)).status === 'healthy');
    if (running().length > 2) await test.killAt('control', 'before-retire');

    await test.work();

    assert.deepEqual(running(), ['jobs#2', 'web#2']);
  });
});
