import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eachOnSampleProject, type SampleProject, type TestPlatform } from '../../testing/index.ts';
import { deleteBuild } from './delete-builds.ts';

let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject((scene) => {
  ({ test, shop } = scene);
});

const own = 'registry: { host: ghcr.example, namespace: team }\nservices:\n  web: { build: { context: web } }\n';

describe('reusing a build', () => {
  it('asks a registry of the project’s own with the project’s login', async () => {
    await shop.secret('REGISTRY_USERNAME', 'robot');
    await shop.secret('REGISTRY_PASSWORD', 'p4ssw0rd');
    const commit = await shop.commit(own);
    const first = await shop.built(commit);

    const { run } = await shop.build(commit, { inputs: { tag: 'v2' } });

    assert.equal(run.reusedFrom, first.run.id);
    const asked = test.registry.inspected.at(-1);
    assert.match(asked?.reference ?? '', /^ghcr\.example\/team\/web@sha256:/);
    assert.deepEqual(asked?.login, { host: 'ghcr.example', username: 'robot', password: 'p4ssw0rd' });
    assert.deepEqual(
      test.registry.tags.map(({ tag }) => tag),
      ['v2'],
    );
    const [artifact] = await test.platform.store.buildArtifacts.listOfRun(run.tenantId, run.id);
    assert.deepEqual(artifact?.tags, [`sha-${commit.gitSha}`, 'v2']);
  });

  it('builds when the other build is deleted while its images are asked for', async () => {
    const commit = await shop.commit();
    const first = await shop.built(commit);
    const { exists } = test.registry;
    let deleted: Promise<void> | undefined;
    test.registry.exists = async (reference, login, signal) => {
      const isThere = await exists(reference, login, signal);
      deleted ??= deleteBuild(test.platform, shop.caller, first.spec.id);
      await deleted;
      return isThere;
    };

    const { run } = await shop.build(commit, { inputs: { tag: 'v3' } });
    await test.work();

    assert.deepEqual([run.status, run.reusedFrom], ['pending', null]);
  });

  it('builds when the cache is off or the registry does not answer', async () => {
    const commit = await shop.commit();
    await shop.built(commit);

    const { run: uncached } = await shop.build(commit, { cache: { disabled: true } });
    test.registry.outage = new Error('connection refused');
    const { run: unknown } = await shop.build(commit);
    test.registry.outage = null;
    await test.work();

    assert.deepEqual([uncached.status, unknown.status], ['pending', 'pending']);
  });
});
