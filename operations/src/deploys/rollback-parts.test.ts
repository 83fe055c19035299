import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Deploy } from '@eve/domain';
import {
  deployed,
  eachOnSampleProject,
  environmentNow,
  type SampleProject,
  sampleManifest,
  type TestPlatform,
} from '../../testing/index.ts';
import { type Rollback, rollbackEnvironment } from './rollback-environment.ts';
import { setConfiguration } from './set-configuration.ts';

let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject((scene) => {
  ({ test, shop } = scene);
});

const inTest = () => ({ projectId: shop.project.id, envName: 'test' });

async function deployedCommit(manifest = sampleManifest): Promise<Deploy> {
  const commit = await shop.commit(manifest);
  await shop.built(commit);
  return deployed(test, shop, commit);
}

async function configure(values: Record<string, string>): Promise<void> {
  const set = Object.fromEntries(Object.entries(values).map(([name, plain]) => [name, { plain }]));
  await setConfiguration(test.platform, shop.caller, { ...inTest(), set, unset: [] });
  await test.work();
}

async function back(request: Omit<Rollback, 'projectId' | 'envName'>) {
  const answer = await rollbackEnvironment(test.platform, shop.caller, { ...inTest(), ...request });
  await test.work();
  return answer;
}

const dry = (request: Omit<Rollback, 'projectId' | 'envName'>) => back({ ...request, dryRun: true });

async function now() {
  const { currentRevisionId, tenantId, id } = await environmentNow(test, shop);
  assert.ok(currentRevisionId);
  const { store } = test.platform;
  const revision = await store.revisions.get(tenantId, currentRevisionId);
  const config = await store.configVersions.get(tenantId, revision.configVersionId);
  const newest = await store.configVersions.latest(tenantId, id);
  return { revision, level: config.values['*']?.LEVEL, config, newest };
}

describe('a rollback', () => {
  it('makes the configuration that it restores the newest one, so that the next deploy keeps it', async () => {
    await deployedCommit();
    await configure({ LEVEL: 'good' });
    await configure({ LEVEL: 'bad' });

    await back({ to: 'test#2' });

    const { level, config, newest } = await now();
    assert.deepEqual(level, { plain: 'good' });
    assert.equal(config.id, newest?.id);
    assert.equal(newest?.number, 4);
    assert.equal(newest?.message, 'As version 2: rollback to test#2');
    await deployedCommit();
    assert.deepEqual((await now()).level, { plain: 'good' });
  });

  it('brings the code alone back, or the configuration alone', async () => {
    const first = await deployedCommit();
    await configure({ LEVEL: 'old' });
    const second = await deployedCommit();
    await configure({ LEVEL: 'new' });
    const releases = await Promise.all(
      [first, second].map(async ({ tenantId, revisionId }) => {
        const revision = await test.platform.store.revisions.get(tenantId, revisionId);
        return revision.releaseId;
      }),
    );

    await back({ to: '2', part: 'code' });
    const code = await now();
    await back({ to: '4' });
    await back({ to: '2', part: 'configuration' });
    const configuration = await now();

    assert.equal(code.revision.releaseId, releases[0]);
    assert.deepEqual(code.level, { plain: 'new' });
    assert.equal(configuration.revision.releaseId, releases[1]);
    assert.deepEqual(configuration.level, { plain: 'old' });
  });

  it('says in its plan which secrets were revoked and which release commands it crosses', async () => {
    await shop.secret('KEY', 'old secret');
    await deployedCommit(sampleManifest.replace('GREETING: hello', `KEY: "\${secret.KEY}"`));
    const second = await deployedCommit();
    const command = {
      service: 'web',
      command: ['migrate', 'up'],
      startedAt: new Date(),
      completedAt: new Date(),
      exitCode: 0,
    };
    await test.db.pool.query('update deploys set release_commands = $2 where id = $1', [
      second.id,
      JSON.stringify([command]),
    ]);
    await test.platform.store.secrets.delete(shop.caller.tenantId, shop.project.id, 'KEY', new Date());
    await shop.secret('KEY', 'new secret');

    const { plan, deploy } = await back({ to: '1' });

    assert.deepEqual(plan.warnings, [
      'Secret KEY: the version that it was deployed with was revoked, the current one takes its place.',
      'Crosses the release command of web in test#2 (migrate up): what it changed stays as it is.',
    ]);
    assert.deepEqual(deploy?.warnings, plan.warnings);
    assert.deepEqual(plan.services.find(({ service }) => service === 'web')?.configuration, {
      added: ['KEY'],
      changed: [],
      removed: ['GREETING'],
    });
  });

  it('refuses a revision that never served, and one of another environment, and says so in a dry run', async () => {
    await deployedCommit();
    test.deployer.script.web = { unhealthy: true };
    await deployedCommit();

    const { plan } = await dry({ to: '2' });

    assert.deepEqual(
      plan.refusals.map(({ code, message }) => [code, message]),
      [['rollback_target_missing', 'test#2 cannot be restored: it never became healthy.']],
    );
    await assert.rejects(back({ to: '2' }), { code: 'rollback_target_missing', message: /it never became healthy/ });
    await assert.rejects(back({ to: '2', part: 'configuration' }), { code: 'rollback_target_missing' });
    await assert.rejects(back({ to: 'staging#1' }), {
      code: 'rollback_target_missing',
      message: /one of environment staging/,
    });
    assert.equal((await now()).revision.number, 1);
  });
});
