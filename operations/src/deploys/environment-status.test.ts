import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  askForDeploy,
  deployed,
  eachOnSampleProject,
  type SampleProject,
  type TestPlatform,
} from '../../testing/index.ts';
import { updateEnvironment } from '../environments/update-environment.ts';
import { environmentStatus } from './environment-status.ts';

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
    const { ready, health, revision, activeDeploy } = seen as unknown as Awaited<ReturnType<typeof status>>;
    assert.deepEqual([ready, health, revision?.number], [true, 'deploying', 1]);
    assert.deepEqual([activeDeploy?.id, activeDeploy?.createdBy], [id, shop.caller.actor]);
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

  it('names the command that starts again what is missing, or the rule by which that happens', async () => {
    await deployed(test, shop, await builtCommit());
    test.deployer.instances.length = 0;

    const reported = await status();
    const settings = { drift: 'repair' } as const;
    await updateEnvironment(test.platform, shop.caller, { projectId: shop.project.id, name: 'test', settings });
    const watched = { ...test.platform, settings: { ...test.platform.settings, driftMs: 5_000 } };
    const repaired = await environmentStatus(watched, shop.caller, shop.project.id, 'test');

    assert.deepEqual(
      reported.differences.map(({ kind, service }) => `${kind} ${service}`),
      ['missing web', 'missing jobs'],
    );
    assert.equal(reported.hint, 'Start again what is missing: eve env repair test');
    assert.match(repaired.hint ?? '', /repaired by itself.*eve env drift test/);
  });

  it('asks what serves whether it is healthy, unless it is asked not to', async () => {
    await deployed(test, shop, await builtCommit());
    const web = test.deployer.instances.find(({ service }) => service === 'web');
    test.deployer.script[web?.name ?? ''] = { unhealthyFrom: 1 };

    const short = await environmentStatus(test.platform, shop.caller, shop.project.id, 'test', { probe: false });
    const { ready, health, hint, services } = await status();

    assert.deepEqual([short.health, short.services[0]?.instances[0]?.lastProbe], ['ready', null]);
    assert.deepEqual([ready, health], [false, 'degraded']);
    assert.deepEqual([services[0]?.state, services[0]?.instances[0]?.lastProbe?.ok], ['running', false]);
    assert.match(hint ?? '', /eve env logs test/);
  });

  it('hides secrets in what a check printed', async () => {
    await shop.secret('PASSWORD', 'hunter22-hunter22');
    const environment = `environment: { PASSWORD: '\${secret.PASSWORD}' }`;
    const commit = await shop.commit(`services: { web: { build: { context: web }, ${environment} } }\n`);
    await shop.built(commit);
    await deployed(test, shop, commit);
    const [web] = test.deployer.instances;
    test.deployer.script[web?.name ?? ''] = { unhealthyFrom: 1, says: 'no login with hunter22-hunter22' };

    const { services } = await status();

    assert.match(services[0]?.instances[0]?.lastProbe?.detail ?? '', /^no login with (?!hunter22)/);
  });
});
