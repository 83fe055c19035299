import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Environment, noEnvironmentSettings } from '@eve/domain';
import {
  askForDeploy,
  type Commit,
  deployed,
  eachOnSampleProject,
  environmentNow,
  type SampleProject,
  sampleManifest,
  type TestPlatform,
} from '../../testing/index.ts';
import { createRelease } from '../releases/create-release.ts';
import { cancelDeploy } from './cancel-deploy.ts';
import { queueRepair } from './queue-deploy.ts';
import { deployBefore } from './read-deploys.ts';
import { requestDeploy } from './request-deploy.ts';
import { rollbackEnvironment } from './rollback-environment.ts';
import { setConfiguration } from './set-configuration.ts';

let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject((scene) => {
  ({ test, shop } = scene);
});

async function builtCommit(manifest?: string): Promise<Commit> {
  const commit = await shop.commit(manifest);
  await shop.built(commit);
  return commit;
}

async function change(to: Partial<Pick<Environment, 'lock'>> & { settings?: Partial<Environment['settings']> }) {
  const { id, tenantId } = await environmentNow(test, shop);
  const { settings, ...rest } = to;
  const all = settings && { settings: { ...noEnvironmentSettings, ...settings } };
  await test.platform.store.environments.update({ id, tenantId, ...rest, ...all });
}

const pendingWork = async () => (await test.db.pool.query('select from work')).rowCount;
const inTest = () => ({ projectId: shop.project.id, envName: 'test' });
const back = (to: string) => rollbackEnvironment(test.platform, shop.caller, { ...inTest(), to });
const configure = () =>
  setConfiguration(test.platform, shop.caller, { ...inTest(), set: { A: { plain: '1' } }, unset: [] });

describe('the gate before every deploy', () => {
  it('refuses whatever would change a locked environment, with holder, reason and age', async () => {
    const commit = await builtCommit();
    await deployed(test, shop, commit);
    const since = new Date(Date.now() - 5 * 60_000);
    await change({ lock: { holder: 'token:anna', reason: 'the sale is on', since } });
    const locked = { code: 'environment_locked', message: /locked by token:anna 5 min ago: the sale is on\./ };

    await assert.rejects(askForDeploy(test, shop, commit), locked);
    await assert.rejects(askForDeploy(test, shop, { ...commit, direct: false }), locked);
    await assert.rejects(back('1'), locked);
    await assert.rejects(configure(), locked);
    await assert.rejects(queueRepair(test.platform, await environmentNow(test, shop), 'system'), locked);

    assert.equal(await pendingWork(), 0);
  });

  it('lets tagged releases only into a protected environment', async () => {
    const commit = await shop.commit();
    const { spec } = await shop.built(commit);
    await deployed(test, shop, commit);
    await change({ settings: { protected: true } });
    await createRelease(test.platform, shop.caller, shop.project.id, { buildId: spec.id, tag: 'v9' });

    // An equal tagged release is taken where there is one: another commit has none.
    await assert.rejects(askForDeploy(test, shop, await builtCommit()), {
      code: 'environment_protected',
      message: /takes tagged releases only; release rel_\w+ has no tag/,
    });
    await assert.rejects(configure(), { code: 'environment_protected' });
    const { status } = await deployed(test, shop, { releaseTag: 'v9' });

    assert.equal(status, 'healthy');
  });

  it('refuses a blocked release on every way to an environment', async () => {
    const commit = await shop.commit();
    const { spec } = await shop.built(commit);
    await createRelease(test.platform, shop.caller, shop.project.id, { buildId: spec.id, tag: 'v1' });
    const first = await deployed(test, shop, { releaseTag: 'v1' });
    await deployed(test, shop, await builtCommit());
    const { store } = test.platform;
    const { releaseId } = await store.revisions.get(first.tenantId, first.revisionId);
    await store.releases.block(first.tenantId, {
      releaseId,
      reason: 'loses orders',
      blockedBy: 'token:anna',
      blockedAt: new Date(),
    });
    const blocked = {
      code: 'release_blocked',
      message: /Release v1 was blocked by token:anna 0 s ago: loses orders\./,
    };

    await assert.rejects(askForDeploy(test, shop, { releaseTag: 'v1' }), blocked);
    await assert.rejects(askForDeploy(test, shop, { inputs: { release_tag: 'v1' }, direct: false }), blocked);
    await assert.rejects(back('1'), blocked);

    assert.equal(await pendingWork(), 0);
  });

  it('freezes the strategy: of the request, else of the environment, else of the manifest; a rollback moves at once', async () => {
    const commit = await builtCommit(`${sampleManifest}x-eve: { strategy: rolling }\n`);
    const ofManifest = await deployed(test, shop, commit);
    await change({ settings: { strategy: { kind: 'blue_green', keepWarmMs: 60_000 } } });
    const ofEnvironment = await askForDeploy(test, shop, commit);
    const ofRequest = await askForDeploy(test, shop, { ...commit, strategy: 'canary:20@5m,50' });
    const { deploy: ofRollback } = await back('1');
    const { deploy: asked } = await rollbackEnvironment(test.platform, shop.caller, {
      ...inTest(),
      to: '1',
      strategy: { type: 'rolling' },
    });

    assert.deepEqual(ofManifest.strategy, { kind: 'rolling' });
    assert.deepEqual(ofEnvironment.strategy, { kind: 'blue_green', keepWarmMs: 60_000 });
    assert.deepEqual(ofRequest.strategy, {
      kind: 'canary',
      steps: [
        { weight: 20, pauseMs: 300_000 },
        { weight: 50, pauseMs: null },
      ],
      keepWarmMs: 0,
    });
    assert.deepEqual(ofRollback?.strategy, { kind: 'blue_green', keepWarmMs: 60_000 });
    assert.deepEqual(asked?.strategy, { kind: 'rolling' });
    await assert.rejects(askForDeploy(test, shop, { ...commit, strategy: 'canary:50,20' }), {
      code: 'strategy_invalid',
    });
  });

  it('takes the strategy of a request through the pipeline', async () => {
    const commit = await shop.commit();

    const answer = await requestDeploy(test.platform, shop.caller, { ...inTest(), ...commit, strategy: 'rolling' });
    await test.work();

    assert.ok('pipelineRun' in answer);
    const { items } = await test.platform.store.deploys.list(shop.caller.tenantId, answer.environment.id, { limit: 1 });
    assert.deepEqual(items[0]?.strategy, { kind: 'rolling' });
  });

  it('says whose waiting deploy it takes the place of, and which running one it waits for', async () => {
    const commit = await builtCommit();
    test.deployer.script.web = { hang: true };
    const running = await askForDeploy(test, shop, commit);
    let waiting: { first?: string; warnings?: readonly string[]; before?: string | undefined } = {};
    await test.work(async () => {
      const { status } = await test.platform.store.deploys.get(running.tenantId, running.id);
      if (status !== 'deploying') return false;
      const first = await askForDeploy(test, shop, commit);
      const second = await askForDeploy(test, shop, commit);
      waiting = {
        first: first.id,
        warnings: second.warnings,
        before: (await deployBefore(test.platform, second))?.id,
      };
      return true;
    });
    test.deployer.script.web = {};
    await cancelDeploy(test.platform, shop.caller, running.id);
    await test.work();

    assert.equal(waiting.before, running.id);
    assert.deepEqual(waiting.warnings, [`Takes the place of deploy ${waiting.first} by token:sample, which waited.`]);
  });
});

describe('a repair', () => {
  it('deploys the current revision again without making a new one', async () => {
    const commit = await builtCommit();
    await deployed(test, shop, commit);
    const before = await environmentNow(test, shop);
    const lost = test.deployer.instances.splice(0);

    const repair = await queueRepair(test.platform, before, 'system');
    await test.work();

    const { store } = test.platform;
    assert.equal((await store.deploys.get(repair.tenantId, repair.id)).status, 'healthy');
    assert.equal(repair.cause, 'repair');
    assert.equal(repair.revisionId, before.currentRevisionId);
    assert.equal((await store.revisions.list(before.tenantId, before.id, { limit: 10 })).items.length, 1);
    assert.equal(test.deployer.instances.length, lost.length);
  });

  it('leaves a deploy that waits its turn, and takes no place of one that waits for an approval', async () => {
    const commit = await builtCommit();
    await deployed(test, shop, commit);
    const environment = await environmentNow(test, shop);
    const waiting = await askForDeploy(test, shop, commit);

    await assert.rejects(queueRepair(test.platform, environment, 'system'), {
      code: 'record_changed',
      message: new RegExp(`deploy ${waiting.id} is pending`),
    });
    await test.work();
    await change({ settings: { approval: true } });
    const asked = await askForDeploy(test, shop, commit);
    await queueRepair(test.platform, await environmentNow(test, shop), 'system');
    await test.work();

    const { status } = await test.platform.store.deploys.get(asked.tenantId, asked.id);
    assert.equal(status, 'awaiting_approval');
  });
});
