import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BuildRun } from '@eve/domain';
import {
  digestOf,
  eachOnSampleProject,
  type SampleProject,
  type TestPlatform,
  testRegistry,
} from '../../testing/index.ts';
import { listBuildArtifacts } from './read-builds.ts';

let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject((scene) => {
  ({ test, shop } = scene);
});

async function digestsOfRun({ buildId, id }: BuildRun): Promise<Record<string, string>> {
  const artifacts = await listBuildArtifacts(test.platform, shop.caller, buildId, id);
  return Object.fromEntries(artifacts.map(({ serviceName, digests }) => [serviceName, digests.digest]));
}

describe('a build run', () => {
  it('ends with one artifact for each service, under the digest that the registry has', async () => {
    const commit = await shop.commit();

    const { run } = await shop.built(commit);

    assert.equal(run.status, 'completed');
    assert.equal(run.attempt, 1);
    assert.ok(run.startedAt && run.completedAt);
    assert.deepEqual(await digestsOfRun(run), { web: digestOf(`web ${run.id}`), jobs: digestOf(`jobs ${run.id}`) });
    assert.deepEqual(
      test.builder.plans.map(({ tags }) => tags),
      [[`${testRegistry}/acme/shop/web:sha-${commit.gitSha}`], [`${testRegistry}/acme/shop/jobs:sha-${commit.gitSha}`]],
    );
    assert.equal(test.source.open.size, 0);
  });

  it('keeps the source until the last image is built', async () => {
    const { follow } = test.builder;
    const open: number[] = [];
    test.builder.follow = async function* (...args) {
      for await (const event of follow(...args)) {
        open.push(test.source.open.size);
        yield event;
      }
    };

    await shop.built(await shop.commit());

    assert.ok(open.length > 0 && open.every((count) => count === 1), open.join());
  });

  it('prints its phases in order and what the engine lacks stands on the run', async () => {
    const { run } = await shop.built(await shop.commit());

    const lines = await test.platform.logs.read(run, {});

    const steps = lines.map(({ step }) => step);
    for (const [index, step] of [
      'clone',
      'checkout',
      'workspace',
      'plan',
      '[1/1] RUN make',
      'push',
      'done',
    ].entries()) {
      assert.ok(steps.indexOf(step) >= index, `${step} is in ${steps.join()}`);
    }
    assert.deepEqual(
      [...steps].filter((step, at) => steps.indexOf(step) === at && step !== '[1/1] RUN make').slice(0, 4),
      ['clone', 'checkout', 'workspace', 'plan'],
    );
    assert.equal(lines.at(-1)?.text, 'Build run completed: 2 images');
    assert.deepEqual(
      lines.map(({ sequence }) => sequence),
      lines.map((_, index) => index + 1),
    );
    assert.match(run.notes[0] ?? '', /attestations.*0\.8/);
  });

  it('keeps what succeeded when another service fails, and says so', async () => {
    test.builder.script.web = {
      lines: ['npm ERR! missing'],
      failure: {
        code: 'build_error',
        message: 'buildx failed with exit code 1 at [2/3] RUN npm ci',
        step: '[2/3] RUN npm ci',
      },
    };

    const { run } = await shop.built(await shop.commit());

    assert.equal(run.status, 'failed');
    assert.equal(run.failure?.code, 'build_error');
    assert.equal(run.failure?.service, 'web');
    assert.deepEqual(run.failure?.tail, ['npm ERR! missing']);
    assert.deepEqual(Object.keys(await digestsOfRun(run)), ['jobs']);
    const lines = await test.lines(run);
    assert.ok(lines.includes('Built and kept in spite of the failure: jobs'));
    assert.ok(lines.includes('--- Last 1 lines ---'));
    assert.match(lines.at(-1) ?? '', /^Hint: /);
  });

  it('fails when the commit’s manifest is not the recorded one', async () => {
    const commit = await shop.commit();
    test.source.trees[commit.gitSha] = { '.eve/manifest.yaml': 'services: {}\n' };

    const { run } = await shop.built(commit);

    assert.equal(run.failure?.code, 'build_error');
    assert.match(run.failure?.message ?? '', new RegExp(`this build was made for ${commit.manifestHash}`));
    assert.match(run.failure?.hint ?? '', /eve project sync/);
    assert.equal(test.source.open.size, 0);
  });

  it('fails with guidance when a build secret is not set', async () => {
    const { run } = await shop.built(
      await shop.commit('services:\n  web: { build: { context: web, secrets: [NPM_TOKEN] } }\n'),
    );

    assert.equal(run.failure?.code, 'build_error');
    assert.match(run.failure?.message ?? '', /not set: NPM_TOKEN/);
    assert.match(run.failure?.hint ?? '', /eve secrets set NPM_TOKEN/);
  });

  it('fails with guidance when nothing would be built', async () => {
    const { run } = await shop.built(await shop.commit('services:\n  web: { image: nginx }\n'));

    assert.equal(run.failure?.code, 'build_error');
    assert.match(run.failure?.message ?? '', /would make no image/);
  });

  it('names a Dockerfile and a context that are not there', async () => {
    const manifest =
      'services:\n  web: { build: { context: web, dockerfile: Other } }\n  api: { build: { context: api } }\n';

    const { run } = await shop.built(await shop.commit(manifest));

    assert.equal(run.failure?.code, 'build_error');
    assert.match(run.failure?.message ?? '', /no Dockerfile "web\/Other".*"api" of service api is not a directory/);
  });

  it('fails with guidance, and at once, when a service has no place to be pushed to', async () => {
    const { run } = await shop.built(
      await shop.commit('registry: none\nservices:\n  web: { build: { context: web } }\n'),
    );

    assert.equal(run.attempt, 1);
    assert.equal(run.failure?.code, 'build_error');
    assert.match(run.failure?.message ?? '', /name the image that the engine may push/);
  });

  it('fails when the commit is not to be had', async () => {
    const commit = await shop.commit();
    delete test.source.trees[commit.gitSha];

    const { run } = await shop.built(commit);

    assert.equal(run.failure?.code, 'clone_error');
  });

  it('is not completed by a push that the registry does not know', async () => {
    test.builder.script.web = { lost: true };

    const { run } = await shop.built(await shop.commit());

    assert.equal(run.failure?.code, 'registry_error');
  });

  it('ends with timeout_error when it takes longer than it may, and nothing of it runs on', async () => {
    test.builder.script.web = { hang: true };

    const { run } = await shop.built(await shop.commit(), { inputs: { timeoutMs: 300 } });

    assert.equal(run.failure?.code, 'timeout_error');
    assert.equal(test.builder.running.size, 0);
    assert.deepEqual(Object.keys(await digestsOfRun(run)), ['jobs']);
  });

  it('is tried again after an outage, and is given up as infrastructure_error', async () => {
    test.registry.outage = new Error('connection reset');

    const { run } = await shop.built(await shop.commit());

    assert.equal(run.status, 'failed');
    assert.equal(run.attempt, 4);
    assert.equal(run.retries, 3);
    assert.equal(run.failure?.code, 'infrastructure_error');
    assert.equal(test.builder.running.size, 0);
  });

  it('prints no secret in any form, nor shows one in its failure', async () => {
    const secret = 'p4ss/w"ord?13';
    await shop.secret('TOKEN', secret);
    const forms = [
      secret,
      Buffer.from(`${secret}\n`).toString('base64'),
      Buffer.from(`user:${secret}`).toString('base64'),
      encodeURIComponent(secret),
      JSON.stringify({ secret }),
    ];
    test.builder.script.web = {
      lines: forms,
      failure: { code: 'build_error', message: `cannot log in with ${secret}` },
    };

    const { run } = await shop.built(
      await shop.commit('services:\n  web: { build: { context: web, secrets: [TOKEN] } }\n'),
    );

    assert.deepEqual(test.builder.plans[0]?.secrets, [{ id: 'TOKEN', value: secret }]);
    const shown = `${(await test.lines(run)).join('\n')}${JSON.stringify(run)}`;
    for (const form of [
      secret,
      Buffer.from(secret).toString('base64').slice(0, 15),
      encodeURIComponent(secret),
      'w\\"ord',
    ]) {
      assert.ok(!shown.includes(form), form);
    }
    assert.match(shown, /\*\*\*/);
  });
});
