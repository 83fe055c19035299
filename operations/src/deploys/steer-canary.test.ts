import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Deploy } from '@eve/domain';
import {
  askForDeploy,
  deployed,
  eachOnSampleProject,
  environmentNow,
  type SampleProject,
  type TestPlatform,
} from '../../testing/index.ts';
import { cancelDeploy } from './cancel-deploy.ts';
import { deployInstances, describeDeploy, listProjectDeploys } from './read-deploys.ts';
import { pauseDeploy, promoteDeploy } from './steer-canary.ts';

let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject((scene) => {
  ({ test, shop } = scene);
});

const again = ({ id, tenantId }: Deploy) => test.platform.store.deploys.get(tenantId, id);

/** A canary with 20 percent that waits for somebody. */
async function paused(): Promise<Deploy> {
  const commit = await shop.commit();
  await shop.built(commit);
  await deployed(test, shop, commit);
  const next = await shop.commit();
  await shop.built(next);
  const deploy = await askForDeploy(test, shop, { ...next, strategy: 'canary:20' });
  await test.work(async () => (await again(deploy)).phase === 'paused');
  return again(deploy);
}

describe('a canary', () => {
  it('waits until it is promoted, and serves alone then', async () => {
    const deploy = await paused();
    const own = await deployInstances(test.platform, shop.caller, deploy.id);

    await promoteDeploy(test.platform, shop.caller, deploy.id);
    await test.work();

    assert.equal(deploy.canary?.weight, 20);
    // What gets no traffic of its own waits for the end.
    assert.deepEqual(
      own.map(({ service }) => service),
      ['web'],
    );
    const { status } = await again(deploy);
    assert.equal(status, 'healthy');
    const { environment, revision } = await describeDeploy(test.platform, shop.caller, deploy.id);
    assert.equal(environment.currentRevisionId, revision.id);
  });

  it('gives everything back when it is aborted, with the reason', async () => {
    const deploy = await paused();
    const before = await environmentNow(test, shop);

    await cancelDeploy(test.platform, shop.caller, deploy.id, 'more errors than before');
    await test.work();

    const ended = await again(deploy);
    assert.equal(ended.status, 'cancelled');
    assert.equal(ended.cancelReason, 'more errors than before');
    assert.equal((await environmentNow(test, shop)).currentRevisionId, before.currentRevisionId);
    await assert.rejects(promoteDeploy(test.platform, shop.caller, deploy.id), { code: 'deploy_finished' });
  });

  it('is not promoted while its environment is locked, and stays when it is paused again', async () => {
    const deploy = await paused();
    const { id, tenantId } = await environmentNow(test, shop);
    const lock = { holder: 'token:anna', reason: 'audit', since: new Date() };
    await test.platform.store.environments.update({ id, tenantId, lock });

    await assert.rejects(promoteDeploy(test.platform, shop.caller, deploy.id, { full: true }), {
      code: 'environment_locked',
    });
    assert.equal((await pauseDeploy(test.platform, shop.caller, deploy.id)).phase, 'paused');
    await cancelDeploy(test.platform, shop.caller, deploy.id);
    await test.work();

    assert.equal((await again(deploy)).status, 'cancelled');
  });
});

describe('a deploy that is no canary', () => {
  it('is neither promoted nor paused', async () => {
    const commit = await shop.commit();
    await shop.built(commit);
    const deploy = await askForDeploy(test, shop, commit);
    const none = { code: 'deploy_not_waiting', message: /at no step that could be promoted or paused: it is pending/ };

    await assert.rejects(promoteDeploy(test.platform, shop.caller, deploy.id), none);
    await assert.rejects(pauseDeploy(test.platform, shop.caller, deploy.id), none);

    await test.work();
    assert.equal((await again(deploy)).status, 'healthy');
  });
});

describe('the deploys of a project', () => {
  it('are listed by environment, status, cause, release and time', async () => {
    const commit = await shop.commit();
    await shop.built(commit);
    const inTest = await deployed(test, shop, commit);
    test.deployer.script.web = { unhealthy: true };
    const inStaging = await deployed(test, shop, { ...commit, envName: 'staging' });
    const list = async (filter: object) => {
      const page = { limit: 10, ...filter };
      const { items } = await listProjectDeploys(test.platform, shop.caller, shop.project.id, page);
      return items.map(({ deploy }) => deploy.id);
    };
    const { release } = await describeDeploy(test.platform, shop.caller, inTest.id);

    assert.deepEqual(await list({}), [inStaging.id, inTest.id]);
    assert.deepEqual(await list({ envName: 'test' }), [inTest.id]);
    assert.deepEqual(await list({ status: 'failed' }), [inStaging.id]);
    assert.deepEqual(await list({ release: release.id, cause: 'direct' }), [inStaging.id, inTest.id]);
    assert.deepEqual(await list({ cause: 'rollback' }), []);
    assert.deepEqual(await list({ createdBy: 'token:nobody' }), []);
    assert.deepEqual(await list({ since: new Date(Date.now() + 60_000) }), []);
    await assert.rejects(list({ envName: 'none' }), { code: 'environment_not_found', message: /it has staging, test/ });
    await assert.rejects(list({ release: 'v9' }), { code: 'release_not_found' });
  });
});
