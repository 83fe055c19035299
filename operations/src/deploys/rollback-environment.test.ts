import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Deploy } from '@eve/domain';
import {
  deployed,
  digestOf,
  eachOnSampleProject,
  environmentNow,
  type SampleProject,
  sampleManifest,
  type TestPlatform,
} from '../../testing/index.ts';
import { createRelease } from '../releases/create-release.ts';
import { listRevisions } from './list-revisions.ts';
import { rollbackEnvironment } from './rollback-environment.ts';
import { setConfiguration } from './set-configuration.ts';

let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject((scene) => {
  ({ test, shop } = scene);
});

async function deployedCommit(manifest = sampleManifest): Promise<Deploy> {
  const commit = await shop.commit(manifest);
  await shop.built(commit);
  return deployed(test, shop, commit);
}

async function rolledBack(to?: string): Promise<Deploy> {
  const { deploy } = await rollbackEnvironment(test.platform, shop.caller, {
    projectId: shop.project.id,
    envName: 'test',
    to,
  });
  assert.ok(deploy);
  await test.work();
  return test.platform.store.deploys.get(deploy.tenantId, deploy.id);
}

async function configure(set: Record<string, { plain: string } | { secret: string }>, more: { deploy?: boolean } = {}) {
  const request = { projectId: shop.project.id, envName: 'test', set, unset: [], ...more };
  const made = await setConfiguration(test.platform, shop.caller, request);
  await test.work();
  return made;
}

const webEnvironment = () =>
  test.deployer.applied.at(-1)?.services.find(({ service }) => service.name === 'web')?.environment ?? {};
const currentRelease = async () => {
  const { currentRevisionId, tenantId } = await environmentNow(test, shop);
  assert.ok(currentRevisionId);
  return (await test.platform.store.revisions.get(tenantId, currentRevisionId)).releaseId;
};

describe('a rollback', () => {
  it('brings the previous revision back as a new one, and back again', async () => {
    const [first, second] = [await deployedCommit(), await deployedCommit()];
    const { store } = test.platform;

    const back = await rolledBack();
    const forth = await rolledBack('previous');

    const revisions = await Promise.all(
      [first, second, back, forth].map(({ tenantId, revisionId }) => store.revisions.get(tenantId, revisionId)),
    );
    const [one, two, three, four] = revisions;
    assert.deepEqual(
      revisions.map(({ number }) => number),
      [1, 2, 3, 4],
    );
    assert.equal(back.cause, 'rollback');
    assert.equal(three?.releaseId, one?.releaseId);
    assert.equal(three?.restoredFrom, one?.id);
    assert.equal(four?.releaseId, two?.releaseId);
    assert.equal(await currentRelease(), two?.releaseId);
  });

  it('takes a revision’s number or a release’s tag', async () => {
    const first = await deployedCommit();
    const revision = await test.platform.store.revisions.get(first.tenantId, first.revisionId);
    const release = await test.platform.store.releases.get(first.tenantId, revision.releaseId);
    const { release: twin } = await createRelease(test.platform, shop.caller, shop.project.id, {
      buildId: release.buildId ?? undefined,
      tag: '1.0',
    });
    await deployed(test, shop, { releaseTag: '1.0' });
    await deployedCommit();

    assert.equal((await rolledBack('test#1')).status, 'healthy');
    assert.equal(await currentRelease(), release.id);
    await rolledBack('1.0');
    assert.equal(await currentRelease(), twin.id);
    await rolledBack('1');
    assert.equal(await currentRelease(), release.id);
  });

  it('restores configuration and secret versions', async () => {
    await shop.secret('KEY', 'old secret');
    await deployedCommit();
    await configure({ KEY: { secret: 'KEY' }, LEVEL: { plain: 'old' } });
    await shop.secret('KEY', 'new secret');
    await configure({ LEVEL: { plain: 'new' } });
    assert.deepEqual([webEnvironment().KEY, webEnvironment().LEVEL], ['new secret', 'new']);

    await rolledBack('2');

    assert.deepEqual([webEnvironment().KEY, webEnvironment().LEVEL], ['old secret', 'old']);
  });

  it('takes the current secret where the pinned version was revoked', async () => {
    await shop.secret('KEY', 'old secret');
    await deployedCommit(`${sampleManifest.replace('GREETING: hello', `KEY: "\${secret.KEY}"`)}`);
    await test.platform.store.secrets.delete(shop.caller.tenantId, shop.project.id, 'KEY', new Date());
    await shop.secret('KEY', 'new secret');
    await deployedCommit();

    await rolledBack('1');

    assert.equal(webEnvironment().KEY, 'new secret');
  });

  it('says what is not there to go back to', async () => {
    await deployedCommit();
    const second = await deployedCommit();
    const revision = await test.platform.store.revisions.get(second.tenantId, second.revisionId);
    const { images } = await test.platform.store.releases.get(second.tenantId, revision.releaseId);
    await rolledBack();
    const back = (to: string) =>
      rollbackEnvironment(test.platform, shop.caller, { projectId: shop.project.id, envName: 'test', to });

    await assert.rejects(back('9'), { code: 'rollback_target_missing', message: /no revision 9/ });
    await assert.rejects(back('v9'), { code: 'release_not_found' });
    test.registry.lose(images.web?.digest ?? '');
    await assert.rejects(back('2'), { code: 'rollback_target_missing', message: /service web has gone/ });
  });

  it('has nothing to go back to before a second revision was healthy', async () => {
    await deployedCommit();
    test.deployer.script.web = { unhealthy: true };
    await deployedCommit();

    await assert.rejects(rolledBack(), { code: 'rollback_target_missing' });
  });

  it('says how the deploy of its target ended, as the history does', async () => {
    await deployedCommit();
    test.deployer.script.web = { unhealthy: true };
    await deployedCommit();
    const asked = { projectId: shop.project.id, envName: 'test', dryRun: true };

    const bad = await rollbackEnvironment(test.platform, shop.caller, { ...asked, to: '2' });
    const good = await rollbackEnvironment(test.platform, shop.caller, { ...asked, to: '1' });
    const history = await listRevisions(test.platform, shop.caller, shop.project.id, 'test', { limit: 10 });

    assert.deepEqual([bad.targetStatus, good.targetStatus], ['failed', 'healthy']);
    assert.deepEqual(
      history.items.map(({ revision, deploy, current }) => [revision.number, deploy?.status, current]),
      [
        [2, 'failed', false],
        [1, 'healthy', true],
      ],
    );
  });

  it('shows what it would change without doing it', async () => {
    await deployedCommit();
    test.builder.script.jobs = { digest: digestOf('same') };
    await deployedCommit();
    await deployedCommit();

    const answer = await rollbackEnvironment(test.platform, shop.caller, {
      projectId: shop.project.id,
      envName: 'test',
      dryRun: true,
    });

    assert.equal(answer.deploy, null);
    assert.equal(answer.target.number, 2);
    assert.deepEqual(
      answer.plan.services.map(({ service, kind }) => `${kind} ${service}`),
      ['start web', 'keep jobs'],
    );
  });
});

describe('a change of configuration', () => {
  it('deploys the running release with it, and only what it changes', async () => {
    await deployedCommit();
    const release = await currentRelease();

    const { version, deploy } = await configure({ LEVEL: { plain: 'debug' } });

    assert.equal(version?.number, 2);
    assert.equal(deploy?.cause, 'configuration');
    assert.equal(webEnvironment().LEVEL, 'debug');
    assert.equal(await currentRelease(), release);
  });

  it('is not recorded when a secret that it names is not set', async () => {
    await deployedCommit();
    const { id, tenantId } = await environmentNow(test, shop);

    await assert.rejects(configure({ KEY: { secret: 'NONE' } }), { code: 'secret_missing' });

    assert.equal((await test.platform.store.configVersions.latest(tenantId, id))?.number, 1);
  });

  it('may wait for the next deploy, and loses nothing that is set at the same time', async () => {
    await deployedCommit();

    const { deploy } = await configure({ A: { plain: '1' } }, { deploy: false });
    const both = await Promise.allSettled([
      configure({ B: { plain: '2' } }, { deploy: false }),
      configure({ C: { plain: '3' } }, { deploy: false }),
    ]);
    for (const result of both) if (result.status === 'rejected') assert.equal(result.reason.code, 'record_changed');
    await configure({ D: { plain: '4' } });

    assert.equal(deploy, null);
    const { A, B, C, D } = webEnvironment();
    assert.equal(A, '1');
    assert.equal(D, '4');
    assert.equal([B, C].filter(Boolean).length, both.filter(({ status }) => status === 'fulfilled').length);
  });
});
