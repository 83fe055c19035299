import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type Commit,
  digestOf,
  eachOnSampleProject,
  type SampleProject,
  type TestPlatform,
  testRegistry,
} from '../../testing/index.ts';
import { createProject } from '../projects/create-project.ts';
import { type CreateRelease, createRelease, freeze } from './create-release.ts';
import { getRelease } from './read-releases.ts';

let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject((scene) => {
  ({ test, shop } = scene);
});

const create = (request: CreateRelease) => createRelease(test.platform, shop.caller, shop.project.id, request);

async function frozen(commit: Commit, messages: readonly string[] = []) {
  const { spec } = await shop.built(commit);
  const artifacts = await test.platform.store.buildArtifacts.listOfBuild(shop.caller.tenantId, spec.id);
  const record = await test.platform.store.manifests.findByHash(
    shop.caller.tenantId,
    shop.project.id,
    commit.manifestHash,
  );
  const { parseManifest } = await import('../manifests/parse-manifest.ts');
  const { manifest } = parseManifest(record?.yaml ?? '');
  assert.ok(manifest);
  const content = {
    project: shop.project,
    manifest,
    ...commit,
    buildId: spec.id,
    choice: { kind: 'artifacts', artifacts },
  } as const;
  return freeze(test.platform, shop.caller, content, { auto: messages });
}

describe('a release', () => {
  it('freezes the digests of a build and tags its images with the version', async () => {
    const commit = await shop.commit();
    const { spec, run } = await shop.built(commit);

    const release = await create({ buildId: spec.id, version: '1.2.3+build.7' });

    assert.equal(release.tag, 'v1.2.3+build.7');
    assert.equal(release.gitSha, commit.gitSha);
    assert.equal(release.images.web?.digest, digestOf(`web ${run.id}`));
    assert.deepEqual(
      test.registry.tags.map(({ tag }) => tag),
      ['v1.2.3_build.7', 'v1.2.3_build.7'],
    );
  });

  it('is the existing one when it would be equal and needs no name', async () => {
    const { spec } = await shop.built(await shop.commit());
    const first = await create({ buildId: spec.id, version: '1.0.0' });

    const again = await create({ buildId: spec.id });

    assert.equal(again.id, first.id);
  });

  it('may not take a tag of another', async () => {
    const { spec } = await shop.built(await shop.commit());
    await create({ buildId: spec.id, tag: 'v1.0.0' });

    await assert.rejects(create({ buildId: spec.id, tag: 'v1.0.0' }), { code: 'release_tag_taken' });
  });

  it('takes the next free version by itself, and none for the same content', async () => {
    const commit = await shop.commit();
    const first = await frozen(commit);
    const again = await frozen(commit);
    const { spec } = await shop.built(await shop.commit());
    await create({ buildId: spec.id, tag: 'v0.2.0' });

    const next = await frozen(await shop.commit(), ['feat: more']);

    assert.equal(first.tag, 'v0.1.0');
    assert.equal(again.id, first.id);
    assert.equal(next.version, '0.2.1');
  });

  it('gets different versions when two are made at once', async () => {
    const commits = await Promise.all([shop.commit(), shop.commit(), shop.commit()]);

    const tags = [];
    for (const commit of commits) await shop.built(commit);
    tags.push(...(await Promise.all(commits.map((commit) => frozen(commit)))).map(({ tag }) => tag));

    assert.deepEqual(tags.sort(), ['v0.1.0', 'v0.1.1', 'v0.1.2']);
  });

  it('may be made of digests that the registry holds, and of no others', async () => {
    const commit = await shop.commit();
    const held = { web: digestOf('one'), jobs: digestOf('two') };
    for (const [service, digest] of Object.entries(held))
      test.registry.push(`${testRegistry}/acme/shop/${service}:x`, digest);

    const release = await create({ ...commit, imageDigests: held });

    assert.equal(release.images.jobs?.digest, held.jobs);
    assert.equal(release.buildId, null);
    await assert.rejects(create({ ...commit, imageDigests: { web: held.web } }), {
      code: 'artifacts_missing',
      message: /jobs/,
    });
    await assert.rejects(create({ ...commit, imageDigests: { ...held, web: 'latest' } }), { code: 'digest_mismatch' });
    await assert.rejects(create({ ...commit, imageDigests: { ...held, web: digestOf('none') } }), {
      code: 'image_unknown',
    });
  });

  it('needs a build of the same commit, with images', async () => {
    const [commit, other] = [await shop.commit(), await shop.commit()];
    const { spec } = await shop.build(commit);

    await assert.rejects(create({ buildId: spec.id }), { code: 'artifacts_missing', message: /eve build run/ });
    await test.work();
    await assert.rejects(create({ buildId: spec.id, gitSha: other.gitSha }), { code: 'release_ref_mismatch' });
    await assert.rejects(create({ gitSha: commit.gitSha }), { code: 'request_invalid' });
    await assert.rejects(create({ buildId: spec.id, version: 'one' }), {
      code: 'request_invalid',
      message: /semantic/,
    });
  });

  it('stands although its images cannot be tagged', async () => {
    const { spec } = await shop.built(await shop.commit());
    test.registry.tag = async () => {
      throw new Error('registry away');
    };

    const release = await create({ buildId: spec.id, version: '2.0.0' });

    assert.equal((await getRelease(test.platform, shop.caller, 'v2.0.0')).id, release.id);
    assert.match(test.said.map(({ sentence }) => sentence).join(), /could not be tagged/);
  });

  it('is found by its tag only while that names one project', async () => {
    const { spec } = await shop.built(await shop.commit());
    const release = await create({ buildId: spec.id, version: '1.0.0' });
    assert.equal((await getRelease(test.platform, shop.caller, 'v1.0.0')).id, release.id);
    const other = await createProject(test.platform, shop.caller, { name: 'Other', slug: 'other' });
    await test.platform.store.manifests.sync(
      {
        id: test.platform.newId('mnfst'),
        tenantId: other.tenantId,
        projectId: other.id,
        hash: release.manifestHash,
        yaml: 'services: {}',
        createdAt: new Date(),
      },
      null,
      null,
      new Date(),
    );
    const twin = { ...release, id: test.platform.newId('rel'), projectId: other.id, buildId: null };
    await test.platform.store.releases.insert(twin);

    await assert.rejects(getRelease(test.platform, shop.caller, 'v1.0.0'), {
      code: 'release_tag_ambiguous',
      message: /shop/,
    });
    assert.equal((await getRelease(test.platform, shop.caller, 'v1.0.0', other.id)).id, twin.id);
    await assert.rejects(getRelease(test.platform, shop.caller, 'v9'), { code: 'release_not_found' });
  });
});
