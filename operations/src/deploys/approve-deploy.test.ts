import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Deploy } from '@eve/domain';
import {
  askForDeploy,
  eachOnSampleProject,
  environmentNow,
  type SampleProject,
  sampleManifest,
  type TestPlatform,
} from '../../testing/index.ts';
import { cancelPipelineRun } from '../pipelines/read-pipelines.ts';
import { createRelease } from '../releases/create-release.ts';
import { approveDeploy, rejectDeploy } from './approve-deploy.ts';
import { cancelDeploy } from './cancel-deploy.ts';
import { requestDeploy } from './request-deploy.ts';

let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject((scene) => {
  ({ test, shop } = scene);
});

const gated = `${sampleManifest}environments:\n  test: { approval: required }\n`;
const anna = () => ({ ...shop.caller, actor: 'token:anna' });
const again = ({ id, tenantId }: Deploy) => test.platform.store.deploys.get(tenantId, id);

async function waiting(manifest = gated): Promise<Deploy> {
  const commit = await shop.commit(manifest);
  const { spec } = await shop.built(commit);
  await createRelease(test.platform, shop.caller, shop.project.id, { buildId: spec.id, tag: 'v1' });
  return askForDeploy(test, shop, { releaseTag: 'v1' });
}

describe('a deploy that wants an approval', () => {
  it('waits without work until somebody approves it, and then runs', async () => {
    const deploy = await waiting();
    await test.work();
    const before = await again(deploy);

    const approved = await approveDeploy(test.platform, anna(), deploy.id);
    await test.work();

    assert.equal(before.status, 'awaiting_approval');
    assert.equal(approved.approvedBy, 'token:anna');
    assert.equal((await again(deploy)).status, 'healthy');
    await assert.rejects(approveDeploy(test.platform, anna(), deploy.id), { code: 'deploy_finished' });
  });

  it('is approved once, and not rejected after that', async () => {
    const deploy = await waiting();

    const both = await Promise.allSettled([
      approveDeploy(test.platform, anna(), deploy.id),
      approveDeploy(test.platform, shop.caller, deploy.id),
    ]);

    assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    for (const each of both) if (each.status === 'rejected') assert.equal(each.reason.code, 'deploy_not_waiting');
    await assert.rejects(rejectDeploy(test.platform, anna(), deploy.id), {
      code: 'deploy_not_waiting',
      message: /it was approved by token:/,
    });
  });

  it('ends where it is rejected, with the reason', async () => {
    const deploy = await waiting();

    const rejected = await rejectDeploy(test.platform, anna(), deploy.id, 'not on a Friday');
    await test.work();

    assert.equal(rejected.status, 'cancelled');
    assert.equal(rejected.cancelReason, 'Rejected by token:anna: not on a Friday');
    await assert.rejects(approveDeploy(test.platform, anna(), deploy.id), { code: 'deploy_finished' });
    await assert.rejects(cancelDeploy(test.platform, anna(), deploy.id), { code: 'deploy_finished' });
  });

  it('is not approved by whoever asked for it where the environment is protected, nor while that is locked', async () => {
    const deploy = await waiting();
    const { id, tenantId, settings } = await environmentNow(test, shop);
    await test.platform.store.environments.update({ id, tenantId, settings: { ...settings, protected: true } });

    await assert.rejects(approveDeploy(test.platform, shop.caller, deploy.id), {
      code: 'approval_forbidden',
      message: /somebody other than token:sample/,
    });
    const lock = { holder: 'token:anna', reason: 'audit', since: new Date() };
    await test.platform.store.environments.update({ id, tenantId, lock });
    await assert.rejects(approveDeploy(test.platform, anna(), deploy.id), { code: 'environment_locked' });

    assert.equal((await again(deploy)).status, 'awaiting_approval');
  });

  it('keeps the pipeline run that asked for it waiting, which goes on with its outcome', async () => {
    const ask = async () => {
      const answer = await requestDeploy(test.platform, shop.caller, {
        projectId: shop.project.id,
        envName: 'test',
        ...(await shop.commit(gated)),
      });
      assert.ok('pipelineRun' in answer);
      await test.work();
      const steps = await test.platform.store.pipelineRuns.steps(shop.caller.tenantId, answer.pipelineRun.id);
      return { run: answer.pipelineRun, deployId: steps.at(-1)?.subjectId as Deploy['id'] };
    };
    const now = async ({ run }: Awaited<ReturnType<typeof ask>>) => {
      const steps = await test.platform.store.pipelineRuns.steps(run.tenantId, run.id);
      const { status } = await test.platform.store.pipelineRuns.get(run.tenantId, run.id);
      return { status, step: steps.at(-1)?.status, error: steps.at(-1)?.errorMessage };
    };

    const first = await ask();
    const waits = await now(first);
    await approveDeploy(test.platform, anna(), first.deployId);
    await test.work();
    const second = await ask();
    await rejectDeploy(test.platform, anna(), second.deployId, 'not now');
    await test.work();
    const third = await ask();
    await cancelPipelineRun(test.platform, anna(), third.run.id);
    await test.work();
    await ask();

    assert.deepEqual(waits, { status: 'running', step: 'running', error: null });
    assert.deepEqual(await now(first), { status: 'succeeded', step: 'succeeded', error: null });
    assert.deepEqual(await now(second), {
      status: 'cancelled',
      step: 'cancelled',
      error: 'The deploy was cancelled: Rejected by token:anna: not now',
    });
    assert.equal((await now(third)).status, 'cancelled');
  });

  it('gives way to a newer one', async () => {
    const deploy = await waiting();

    const newer = await askForDeploy(test, shop, { releaseTag: 'v1' });

    assert.equal((await again(deploy)).status, 'superseded');
    assert.equal(newer.status, 'awaiting_approval');
  });

  it('is wanted also where only the manifest of the default branch says so', async () => {
    const { gitSha } = await shop.commit();
    const { store } = test.platform;
    const record = await store.manifests.findForSha(
      shop.caller.tenantId,
      shop.project.id,
      (await shop.commit(gated)).gitSha,
    );
    assert.ok(record);
    await store.manifests.sync(record, gitSha, shop.project.branch, new Date());

    const deploy = await waiting(sampleManifest);

    assert.equal(deploy.status, 'awaiting_approval');
  });
});
