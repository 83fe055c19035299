import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TestDatabase } from '@eve/adapter-postgres/testing';
import type { PipelineRun } from '@eve/domain';
import {
  askForDeploy,
  eachOnSampleProject,
  environmentNow,
  type SampleProject,
  sampleManifest,
  type TestPlatform,
} from '../../testing/index.ts';
import { approveDeploy } from '../deploys/approve-deploy.ts';
import { listProjectDeploys } from '../deploys/read-deploys.ts';
import { deleteSecret } from '../secrets/delete-secret.ts';
import { cancelPipelineRun, getPipelineRun } from './read-pipelines.ts';
import { startPipelineRun } from './start-pipeline-run.ts';

let db: TestDatabase;
let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject((scene) => {
  ({ db, test, shop } = scene);
});

const pipelines = `pipelines:
  ship:
    steps:
      - { name: build, action: { type: build } }
      - { name: release, depends_on: [build], action: { type: release } }
      - { name: staging, depends_on: [release], action: { type: deploy, env_name: staging } }
      - { name: prod, depends_on: [staging], action: { type: deploy, env_name: prod } }
`;

async function start(): Promise<PipelineRun> {
  const { gitSha } = await shop.commit(sampleManifest + pipelines);
  const { run } = await startPipelineRun(test.platform, shop.caller, {
    projectId: shop.project.id,
    pipeline: 'ship',
    gitSha,
  });
  return run;
}

async function stepsOf({
  tenantId,
  id,
}: PipelineRun): Promise<{ status: string; steps: string[]; message: string | null }> {
  const run = await test.platform.store.pipelineRuns.get(tenantId, id);
  const steps = await test.platform.store.pipelineRuns.steps(tenantId, id);
  return { status: run.status, steps: steps.map(({ name, status }) => `${name} ${status}`), message: run.errorMessage };
}

describe('a pipeline run', () => {
  it('goes through environments one after the other, making those that are not there yet', async () => {
    const run = await start();

    await test.work();

    const { status, steps } = await stepsOf(run);
    assert.equal(status, 'succeeded');
    assert.deepEqual(steps, ['build succeeded', 'release succeeded', 'staging succeeded', 'prod succeeded']);
    assert.ok((await environmentNow(test, shop, 'prod')).currentRevisionId);
  });

  it('says of a step whose deploy waits for somebody what for, and runs on', async () => {
    const settings = 'environments:\n  staging: { approval: required }\n  prod: { strategy: "canary:10" }\n';
    const { gitSha } = await shop.commit(sampleManifest + settings + pipelines);
    const asked = { projectId: shop.project.id, pipeline: 'ship', gitSha };
    const seen = async (id: PipelineRun['id']) => {
      const { run, steps, waits } = await getPipelineRun(test.platform, shop.caller, id);
      return [
        run.status,
        ...steps.flatMap((step) => (waits.get(step.id) ? `${step.name}: ${waits.get(step.id)}` : [])),
      ];
    };
    const { run } = await startPipelineRun(test.platform, shop.caller, asked);
    await test.work();
    const first = await seen(run.id);
    const approver = { ...shop.caller, actor: 'token:other' };
    const [waiting] = (await listProjectDeploys(test.platform, shop.caller, shop.project.id, { limit: 1 })).items;
    assert.ok(waiting);
    await approveDeploy(test.platform, approver, waiting.deploy.id);
    await test.work();
    const approved = await seen(run.id);

    assert.deepEqual(first, ['running', 'staging: approval']);
    assert.deepEqual(approved, ['succeeded']);
  });

  it('fails with the reason of the step that failed, and leaves what depends on it undone', async () => {
    test.builder.script.web = { failure: { code: 'build_error', message: 'RUN make failed' } };
    const run = await start();

    await test.work();

    const { status, steps, message } = await stepsOf(run);
    assert.equal(status, 'failed');
    assert.deepEqual(steps, ['build failed', 'release cancelled', 'staging cancelled', 'prod cancelled']);
    assert.equal(
      message,
      "Step build failed: Build failed for service 'web': RUN make failed (1 of 1 other was built)",
    );
  });

  it('fails where a deploy fails', async () => {
    test.deployer.script.web = { unhealthy: true };
    const run = await start();

    await test.work();

    assert.deepEqual((await stepsOf(run)).steps, [
      'build succeeded',
      'release succeeded',
      'staging failed',
      'prod cancelled',
    ]);
  });

  it('is cancelled at once before it has begun', async () => {
    const run = await start();

    const answer = await cancelPipelineRun(test.platform, shop.caller, run.id);
    await test.work();

    assert.equal(answer.run.status, 'cancelled');
    assert.equal(test.builder.plans.length, 0);
    await assert.rejects(cancelPipelineRun(test.platform, shop.caller, run.id), { code: 'state_transition_invalid' });
  });

  it('ends what it began when it is cancelled, and is cancelled when that has ended', async () => {
    test.builder.script.web = { hang: true };
    const run = await start();
    let asked = false;

    await test.work(async () => {
      if (!asked && test.builder.running.size > 0) {
        asked = true;
        await cancelPipelineRun(test.platform, shop.caller, run.id);
      }
      return (await stepsOf(run)).status === 'cancelled';
    });

    assert.deepEqual((await stepsOf(run)).steps, [
      'build cancelled',
      'release cancelled',
      'staging cancelled',
      'prod cancelled',
    ]);
    assert.equal(test.builder.running.size, 0);
  });

  it('names a secret that was deleted meanwhile as the reason of its deploy step', async () => {
    await shop.secret('KEY', 'value');
    const { gitSha } = await shop.commit(`${sampleManifest}    environment: { KEY: "\${secret.KEY}" }\n${pipelines}`);
    const { run } = await startPipelineRun(test.platform, shop.caller, {
      projectId: shop.project.id,
      pipeline: 'ship',
      gitSha,
    });
    await deleteSecret(test.platform, shop.caller, { projectId: shop.project.id, key: 'KEY' });

    await test.work();

    assert.match((await stepsOf(run)).message ?? '', /^Step staging failed: Not set: KEY/);
  });

  it('goes on when a newer deploy took the place of its own', async () => {
    const commit = await shop.commit();
    await shop.built(commit);
    const run = await start();
    let asked = false;

    await test.work(async () => {
      const { steps } = await stepsOf(run);
      if (!asked && steps.includes('staging running')) {
        asked = true;
        await askForDeploy(test, shop, { ...commit, envName: 'staging' });
      }
      return (await db.pool.query('select from work')).rowCount === 0;
    });

    assert.ok(['succeeded', 'cancelled'].includes((await stepsOf(run)).status));
  });

  it('is refused before anything is built when its deploys lack secrets, and names all of them', async () => {
    await shop.secret('SET', 'value');
    const used = `{ ONE: "\${secret.ONE}", SET: "\${secret.SET}", URL: "http://\${secret.TWO}/" }`;
    const { gitSha } = await shop.commit(`${sampleManifest}    environment: ${used}\n${pipelines}`);

    const started = startPipelineRun(test.platform, shop.caller, {
      projectId: shop.project.id,
      pipeline: 'ship',
      gitSha,
    });

    await assert.rejects(started, {
      code: 'secret_missing',
      message: /^Not set: ONE, TWO\. .*`eve secrets set NAME -`/,
    });
    assert.equal((await db.pool.query('select from work')).rowCount, 0);
  });

  it('takes a release by its tag, and its commit with it', async () => {
    const first = await start();
    await test.work();
    const built = test.builder.plans.length;

    const { run } = await startPipelineRun(test.platform, shop.caller, {
      projectId: shop.project.id,
      pipeline: 'ship',
      inputs: { release_tag: 'v0.1.0' },
    });
    await test.work();

    assert.equal(run.gitSha, first.gitSha);
    assert.deepEqual((await stepsOf(run)).steps, [
      'build skipped',
      'release skipped',
      'staging succeeded',
      'prod succeeded',
    ]);
    assert.equal(test.builder.plans.length, built);
  });

  it('refuses a tag that no release has, and a request that names neither commit nor release', async () => {
    await start();
    const ask = (inputs: Record<string, unknown>) =>
      startPipelineRun(test.platform, shop.caller, { projectId: shop.project.id, pipeline: 'ship', inputs });

    await assert.rejects(ask({ release_tag: 'v9' }), { code: 'release_not_found' });
    await assert.rejects(ask({}), { code: 'request_invalid', message: /git_sha/ });
  });

  it('starts only what the manifest has', async () => {
    const { gitSha } = await shop.commit(sampleManifest + pipelines);
    const asked = { projectId: shop.project.id, gitSha };

    await assert.rejects(startPipelineRun(test.platform, shop.caller, { ...asked, pipeline: 'none' }), {
      code: 'pipeline_not_found',
      message: /it has: ship/,
    });
    await assert.rejects(
      startPipelineRun(test.platform, shop.caller, { ...asked, pipeline: 'ship', gitSha: 'a'.repeat(40) }),
      { code: 'manifest_missing' },
    );
  });
});
