import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  askForDeploy,
  deployed,
  eachOnSampleProject,
  type SampleProject,
  type TestPlatform,
} from '../../testing/index.ts';
import { environmentLogs, environmentStatus } from './environment-status.ts';

let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject((scene) => {
  ({ test, shop } = scene);
});

async function builtCommit() {
  const commit = await shop.commit();
  await shop.built(commit);
  return commit;
}

const status = () => environmentStatus(test.platform, shop.caller, shop.project.id, 'test');
const logs = (service: string) =>
  environmentLogs(test.platform, shop.caller, { projectId: shop.project.id, envName: 'test', service, tail: 1 });

describe('the status of an environment', () => {
  it('is ready for what serves while the next revision is tried', async () => {
    await deployed(test, shop, await builtCommit());
    const commit = await builtCommit();
    test.deployer.script.web = { hang: true };
    const { id, tenantId } = await askForDeploy(test, shop, commit);
    let seen: Awaited<ReturnType<typeof status>> | null = null;

    await test.work(async () => {
      if ((await test.platform.store.deploys.get(tenantId, id)).phase !== 'probing') return false;
      seen = await status();
      return true;
    });

    // The closure above has assigned it.
    const { ready, health, revision } = seen as unknown as Awaited<ReturnType<typeof status>>;
    assert.deepEqual([ready, health, revision?.number], [true, 'deploying', 1]);
  });

  it('is degraded when an instance is gone, and still says how many there should be', async () => {
    await deployed(test, shop, await builtCommit());
    test.deployer.instances.length = 0;

    const { ready, health, services } = await status();

    assert.deepEqual([ready, health], [false, 'degraded']);
    assert.deepEqual(
      services.map(({ name, state, instances, replicas }) => `${name} ${state} ${instances.length}/${replicas}`),
      ['web missing 0/1', 'jobs missing 0/1'],
    );
  });
});

describe('the logs of an environment', () => {
  it('are those of a service that there is; another one is refused with the names', async () => {
    await deployed(test, shop, await builtCommit());

    assert.equal((await logs('web')).length, 1);
    await assert.rejects(logs('wbe'), { code: 'service_not_found', message: /no service "wbe"; it has: web, jobs\./ });
  });

  it('are empty for a service whose instance is gone', async () => {
    await deployed(test, shop, await builtCommit());
    test.deployer.instances.length = 0;

    assert.deepEqual(await logs('web'), []);
  });
});
