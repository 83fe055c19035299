import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  askForDeploy,
  deployed,
  digestOf,
  eachOnSampleProject,
  environmentNow,
  type SampleProject,
  sampleManifest,
  sampleProject,
  type TestPlatform,
  testPlatform,
  testRegistry,
} from '../../testing/index.ts';
import { setSuspended } from '../environments/set-suspended.ts';
import { createRelease } from '../releases/create-release.ts';
import { type RequestDeploy, requestDeploy } from './request-deploy.ts';

let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject((scene) => {
  ({ test, shop } = scene);
});

const ask = (request: Omit<RequestDeploy, 'projectId'>) =>
  requestDeploy(test.platform, shop.caller, { projectId: shop.project.id, ...request });

describe('asking for a deploy', () => {
  it('runs build, release and deploy of a commit and ends healthy', async () => {
    const commit = await shop.commit();

    const answer = await ask({ envName: 'test', ...commit });
    await test.work();

    assert.ok('pipelineRun' in answer);
    const { store } = test.platform;
    const run = await store.pipelineRuns.get(shop.caller.tenantId, answer.pipelineRun.id);
    const steps = await store.pipelineRuns.steps(run.tenantId, run.id);
    assert.equal(run.status, 'succeeded');
    assert.deepEqual(
      steps.map(({ name, status }) => `${name} ${status}`),
      ['build succeeded', 'release succeeded', 'deploy succeeded'],
    );
    assert.equal(steps[1]?.output?.tag, 'v0.1.0');
    const environment = await environmentNow(test, shop);
    assert.equal(steps[2]?.output?.env_id, environment.id);
    assert.ok(environment.currentRevisionId);
    assert.deepEqual(Object.keys(steps[0]?.output?.image_digests ?? {}).sort(), ['jobs', 'web']);
  });

  it('promotes a release by id or tag without building anything', async () => {
    await ask({ envName: 'test', ...(await shop.commit()) });
    await test.work();
    const built = test.builder.plans.length;
    const release = await test.platform.store.releases.findByTag(shop.caller.tenantId, shop.project.id, 'v0.1.0');

    for (const [envName, inputs] of Object.entries({
      staging: { release_id: release?.id },
      prod: { release_tag: 'v0.1.0' },
    })) {
      const answer = await ask({ envName, inputs });
      await test.work();
      assert.ok('pipelineRun' in answer);
      const steps = await test.platform.store.pipelineRuns.steps(shop.caller.tenantId, answer.pipelineRun.id);
      assert.deepEqual(
        steps.map(({ status }) => status),
        ['skipped', 'skipped', 'succeeded'],
      );
      const { currentRevisionId } = await environmentNow(test, shop, envName);
      assert.ok(currentRevisionId);
      assert.equal(
        (await test.platform.store.revisions.get(shop.caller.tenantId, currentRevisionId)).releaseId,
        release?.id,
      );
    }
    assert.equal(test.builder.plans.length, built);
  });

  it('deploys directly what was built last of a commit, and names the command when nothing was', async () => {
    const commit = await shop.commit();
    await assert.rejects(ask({ envName: 'test', direct: true, ...commit }), {
      code: 'artifacts_missing',
      message: new RegExp(`eve build create --ref ${commit.gitSha}`),
    });
    await shop.built(commit);

    const deploy = await deployed(test, shop, commit);

    assert.equal(deploy.cause, 'direct');
    assert.equal(deploy.status, 'healthy');
  });

  it('deploys directly what is made of ready images only, of which nothing is built', async () => {
    const image = 'registry.example/library/redis:7';
    test.registry.push(image, digestOf('redis'));
    const commit = await shop.commit(`services:\n  cache: { image: "${image}" }\n`);

    const deploy = await deployed(test, shop, commit);

    assert.equal(deploy.status, 'healthy', JSON.stringify(deploy.failure));
  });

  it('deploys images by tag or by digests that are given', async () => {
    const commit = await shop.commit();
    const { run } = await shop.built(commit);
    const byTag = await deployed(test, shop, { ...commit, direct: undefined, imageTag: `sha-${commit.gitSha}` });
    for (const service of ['web', 'jobs'])
      test.registry.push(`${testRegistry}/acme/shop/${service}:hand`, digestOf(`${service} by hand`));
    const imageDigests = { web: digestOf('web by hand'), jobs: digestOf('jobs by hand') };

    const byDigest = await deployed(test, shop, { ...commit, imageDigests });
    const byForeignTag = await deployed(test, shop, { ...commit, imageTag: 'hand' });

    const releaseOf = async (revisionId: typeof byTag.revisionId) => {
      const revision = await test.platform.store.revisions.get(shop.caller.tenantId, revisionId);
      return test.platform.store.releases.get(shop.caller.tenantId, revision.releaseId);
    };
    assert.equal((await releaseOf(byTag.revisionId)).images.web?.digest, digestOf(`web ${run.id}`));
    assert.equal((await releaseOf(byDigest.revisionId)).images.web?.digest, imageDigests.web);
    assert.equal((await releaseOf(byForeignTag.revisionId)).id, (await releaseOf(byDigest.revisionId)).id);
    await assert.rejects(askForDeploy(test, shop, { ...commit, imageTag: 'none' }), { code: 'image_unknown' });
  });

  it('takes the tag of a shortened commit id where only one begins so', async () => {
    const commit = await shop.commit();
    const { run } = await shop.built(commit);
    for (const tag of ['sha-abc1230', 'sha-abc1234']) await shop.built(commit, { inputs: { tag } });

    const deploy = await deployed(test, shop, { ...commit, imageTag: `sha-${commit.gitSha.slice(0, 12)}` });

    const { store } = test.platform;
    const revision = await store.revisions.get(shop.caller.tenantId, deploy.revisionId);
    const release = await store.releases.get(shop.caller.tenantId, revision.releaseId);
    assert.equal(release.gitSha, commit.gitSha);
    assert.deepEqual(Object.keys(release.images).sort(), ['jobs', 'web']);
    assert.equal(run.status, 'completed');
    await assert.rejects(askForDeploy(test, shop, { ...commit, imageTag: 'sha-abc123' }), {
      code: 'deploy_request_invalid',
      message: /the beginning of several: sha-abc1230, sha-abc1234/,
    });
  });

  it('refuses a commit that the release was not made of, and a request that names neither', async () => {
    const commit = await shop.commit();
    const { spec } = await shop.built(commit);
    await createRelease(test.platform, shop.caller, shop.project.id, { buildId: spec.id, version: '1.0.0' });

    await assert.rejects(ask({ envName: 'test', releaseTag: 'v1.0.0', gitSha: 'a'.repeat(40) }), {
      code: 'release_ref_mismatch',
      kind: 'conflict',
    });
    await assert.rejects(ask({ envName: 'test' }), {
      code: 'deploy_request_invalid',
      message: 'Deploy request requires release_tag or both git_sha and manifest_hash.',
    });
  });

  it('makes environments that the manifest names, or any where it names none', async () => {
    const named = await shop.commit(`${sampleManifest}environments:\n  staging: {}\n`);
    const free = await shop.commit();

    await assert.rejects(ask({ envName: 'other', ...named }), {
      code: 'environment_not_found',
      message: /defines: staging/,
    });
    await ask({ envName: 'staging', ...named });
    await ask({ envName: 'anything', ...free });
    await assert.rejects(ask({ envName: 'Not A Name', ...free }), { kind: 'invalid' });
    await test.work();

    const config = await test.platform.store.configVersions.latest(
      shop.caller.tenantId,
      (await environmentNow(test, shop, 'staging')).id,
    );
    assert.equal(config?.number, 1);
    assert.ok((await environmentNow(test, shop, 'anything')).currentRevisionId);
  });

  it('is refused while the environment is suspended', async () => {
    const commit = await shop.commit();
    await shop.built(commit);
    await deployed(test, shop, commit);
    const { id, currentRevisionId } = await environmentNow(test, shop);
    await setSuspended(test.platform, shop.caller, { projectId: shop.project.id, name: 'test', suspended: true });

    for (const direct of [true, false])
      await assert.rejects(ask({ envName: 'test', direct, ...commit }), { code: 'environment_suspended' });

    const revisions = await test.platform.store.revisions.list(shop.caller.tenantId, id, { limit: 10 });
    assert.equal(revisions.items.length, 1);
    assert.equal((await environmentNow(test, shop)).currentRevisionId, currentRevisionId);
  });

  it('stays suspended when a deploy ends meanwhile', async () => {
    const commit = await shop.commit();
    await shop.built(commit);
    await askForDeploy(test, shop, commit);
    test.onFailpoint = (name) => {
      if (name === 'before-healthy')
        suspending = setSuspended(test.platform, shop.caller, {
          projectId: shop.project.id,
          name: 'test',
          suspended: true,
        });
    };
    let suspending: Promise<unknown> | null = null;

    await test.work();
    await suspending;

    const environment = await environmentNow(test, shop);
    assert.equal(environment.status, 'suspended');
    assert.ok(environment.currentRevisionId);
  });

  it('names the secrets that are not set before a revision is made', async () => {
    const commit = await shop.commit(`${sampleManifest}    environment: { KEY: "\${secret.KEY}" }\n`);
    await shop.built(commit);

    await assert.rejects(ask({ envName: 'test', direct: true, ...commit }), {
      code: 'secret_missing',
      message: /Not set: KEY/,
    });

    const { id } = await environmentNow(test, shop);
    assert.equal((await test.platform.store.revisions.list(shop.caller.tenantId, id, { limit: 10 })).items.length, 0);
    assert.equal((await test.platform.store.deploys.list(shop.caller.tenantId, id, { limit: 10 })).items.length, 0);
  });

  it('builds nothing for a deploy that lacks a secret, also one of its configuration', async () => {
    const commit = await shop.commit(`${sampleManifest}    environment: { KEY: "\${secret.KEY}" }\n`);

    await assert.rejects(ask({ envName: 'test', ...commit }), { code: 'secret_missing', message: /Not set: KEY/ });
    await shop.secret('KEY', 'value');
    await ask({ envName: 'test', ...commit });
    await test.work();

    assert.ok((await environmentNow(test, shop)).currentRevisionId);
  });

  it('deploys an image of the local engine under the name that a build would push, unless a build made it', async () => {
    await using local = await testPlatform({ localSources: true });
    const mine = await sampleProject(local);
    const image = 'registry.example/acme/shop-web';
    const manifest = `services:\n  web: { image: ${image}, build: { context: web }, ports: ["8000"] }\n`;
    const commit = await mine.commit(`registry: none\n${manifest}`);
    const ask = () =>
      requestDeploy(local.platform, mine.caller, { projectId: mine.project.id, envName: 'test', ...commit });
    local.deployer.localImages[`${image}:local`] = digestOf('made by hand');

    const byHand = await ask();
    local.deployer.notByHand.add(`${image}:local`);
    const built = await ask();

    assert.ok('release' in byHand && byHand.release.local);
    assert.ok('pipelineRun' in built);
  });

  it('deploys an image of the local engine, which may not be promoted', async () => {
    await using local = await testPlatform({ localSources: true });
    const mine = await sampleProject(local);
    const commit = await mine.commit(
      'services:\n  web: { image: shop-web, build: { context: web }, ports: ["8000"] }\n',
    );
    local.deployer.localImages['shop-web:local'] = digestOf('made by hand');

    const answer = await requestDeploy(local.platform, mine.caller, {
      projectId: mine.project.id,
      envName: 'test',
      ...commit,
    });
    await local.work();

    assert.ok('release' in answer);
    assert.equal(answer.release.local, true);
    assert.equal((await local.platform.store.deploys.get(mine.caller.tenantId, answer.deploy.id)).status, 'healthy');
    await assert.rejects(
      requestDeploy(local.platform, mine.caller, {
        projectId: mine.project.id,
        envName: 'prod',
        inputs: { release_id: answer.release.id },
      }),
      { code: 'deploy_request_invalid', message: /only the local engine holds/ },
    );
  });
});
