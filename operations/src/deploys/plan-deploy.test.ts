import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  deployed,
  digestOf,
  eachOnSampleProject,
  environmentNow,
  type SampleProject,
  sampleManifest,
  sampleProject,
  type TestPlatform,
  testPlatform,
} from '../../testing/index.ts';
import { planDeploy } from './plan-deploy.ts';
import type { RequestDeploy } from './request-deploy.ts';
import { setConfiguration } from './set-configuration.ts';

let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject((scene) => {
  ({ test, shop } = scene);
});

const plan = (request: Omit<RequestDeploy, 'projectId' | 'envName'> & { envName?: string }) =>
  planDeploy(test.platform, shop.caller, { projectId: shop.project.id, envName: 'test', ...request });

const counts = async () => {
  const tables = [
    'environments',
    'releases',
    'revisions',
    'config_versions',
    'deploys',
    'work',
    'pipeline_runs',
    'transitions',
  ];
  const rows = await Promise.all(tables.map((table) => test.db.pool.query(`select from ${table}`)));
  return rows.map(({ rowCount }) => rowCount);
};

describe('the plan of a deploy', () => {
  it('says per service what changes, and writes nothing', async () => {
    const commit = await shop.commit();
    const { run } = await shop.built(commit);
    await deployed(test, shop, commit);
    const configuration = { projectId: shop.project.id, envName: 'test', unset: [], deploy: false };
    await setConfiguration(test.platform, shop.caller, {
      ...configuration,
      set: { GREETING: { plain: 'a hidden value' }, LEVEL: { plain: 'a hidden value' } },
      service: 'web',
    });
    const other = sampleManifest.replace(
      '    build: { context: jobs }',
      '    build: { context: jobs }\n    deploy: { replicas: 3 }',
    );
    const next = await shop.commit(other);
    test.builder.script.jobs = { digest: digestOf(`jobs ${run.id}`) };
    const { run: second } = await shop.built(next);
    const before = await counts();

    const found = await plan({ ...next, direct: true });

    assert.deepEqual(await counts(), before);
    const [web, jobs] = found.services;
    assert.equal(found.from?.revision.number, 1);
    assert.equal(found.releaseIsNew, true);
    assert.deepEqual(web?.image, { from: digestOf(`web ${run.id}`), to: digestOf(`web ${second.id}`) });
    assert.deepEqual(web?.configuration, { added: ['LEVEL'], changed: ['GREETING'], removed: [] });
    assert.deepEqual(jobs?.image, { from: digestOf(`jobs ${run.id}`), to: digestOf(`jobs ${run.id}`) });
    assert.deepEqual(jobs?.replicas, { from: 1, to: 3 });
    assert.doesNotMatch(JSON.stringify(found), /a hidden value/);
    assert.deepEqual(found.refusals, []);
  });

  it('names what is built first, the release commands, and what would refuse it', async () => {
    const yaml = `${sampleManifest.replace('  jobs:\n', '  jobs:\n    x-eve: { release_command: ["migrate", "up"] }\n')}environments:\n  test: { approval: required }\n`;
    const commit = await shop.commit(yaml);
    const before = await counts();

    const found = await plan(commit);

    assert.deepEqual(await counts(), before);
    assert.equal(found.environmentIsNew, true);
    assert.equal(found.pipeline, 'deploy');
    assert.equal(found.release, null);
    assert.equal(found.approval, true);
    assert.deepEqual(
      found.services.map(({ service, kind, reason }) => `${kind} ${service}: ${reason}`),
      ['start web: its image is built first', 'start jobs: its image is built first'],
    );
    assert.deepEqual(found.releaseCommands, [{ service: 'jobs', command: ['migrate', 'up'] }]);
    await assert.rejects(plan({ ...commit, envName: 'other' }), {
      code: 'environment_not_found',
      message: /defines: test/,
    });
    await assert.rejects(plan({ ...commit, direct: true }), { code: 'artifacts_missing' });
  });

  it('lists every gate that would refuse, and secrets that are not set', async () => {
    const commit = await shop.commit();
    await shop.built(commit);
    await deployed(test, shop, commit);
    const { id, tenantId } = await environmentNow(test, shop);
    const lock = { holder: 'token:anna', reason: 'audit', since: new Date() };
    await test.platform.store.environments.update({ id, tenantId, status: 'suspended', lock });
    const needy = await shop.commit(`${sampleManifest}    environment: { KEY: "\${secret.KEY}" }\n`);
    await shop.built(needy);

    const found = await plan({ ...needy, direct: true });

    assert.deepEqual(
      found.refusals.map(({ code }) => code),
      ['environment_suspended', 'environment_locked', 'secret_missing'],
    );
  });

  it('takes an image of the local engine, marked local', async () => {
    await using local = await testPlatform({ localSources: true });
    const mine = await sampleProject(local);
    const commit = await mine.commit(
      'services:\n  web: { image: shop-web, build: { context: web }, ports: ["8000"] }\n',
    );
    local.deployer.localImages['shop-web:local'] = digestOf('made by hand');

    const found = await planDeploy(local.platform, mine.caller, {
      projectId: mine.project.id,
      envName: 'test',
      imageTag: 'local',
      ...commit,
    });

    assert.equal(found.release?.local, true);
    assert.deepEqual(found.services[0]?.image, { from: null, to: digestOf('made by hand') });
    assert.deepEqual(found.refusals, []);
  });

  it('refuses a request that names images twice', async () => {
    const commit = await shop.commit();
    const imageDigests = { web: digestOf('x') };

    await assert.rejects(plan({ ...commit, imageDigests, imageTag: 'local' }), { code: 'deploy_request_invalid' });
    await assert.rejects(plan({ ...commit, imageTag: 'local', strategy: 'fast' }), { code: 'strategy_invalid' });
  });
});
