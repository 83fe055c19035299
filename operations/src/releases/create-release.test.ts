import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Release } from '@eve/domain';
import {
  digestOf,
  eachOnSampleProject,
  type SampleProject,
  type TestPlatform,
  testRegistry,
} from '../../testing/index.ts';
import { createProject } from '../projects/create-project.ts';
import { type CreateRelease, createRelease } from './create-release.ts';
import { getRelease } from './read-releases.ts';

let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject((scene) => {
  ({ test, shop } = scene);
});

const create = async (request: CreateRelease) =>
  (await createRelease(test.platform, shop.caller, shop.project.id, request)).release;

/** A release of a new commit, with the next version. */
async function next(message: string): Promise<{ release: Release; note: string | null }> {
  const { spec } = await shop.built(await shop.commit(undefined, {}, message));
  return createRelease(test.platform, shop.caller, shop.project.id, { buildId: spec.id });
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
      [...new Set(test.registry.tags.map(({ tag }) => tag))],
      ['v1.2.3_build.7', `v1.2.3_build.7-${commit.gitSha.slice(0, 8)}`],
    );
    assert.equal(test.registry.tags.length, 4);
  });

  it('is the existing one when it would be equal and needs no name', async () => {
    const { spec } = await shop.built(await shop.commit());
    const first = await create({ buildId: spec.id, version: '1.0.0' });

    const again = await create({ buildId: spec.id });

    assert.equal(again.id, first.id);
  });

  it('may not take a tag or a version of another', async () => {
    const { spec } = await shop.built(await shop.commit());
    await create({ buildId: spec.id, tag: 'v1.0.0' });

    await assert.rejects(create({ buildId: spec.id, tag: 'v1.0.0' }), { code: 'release_tag_taken' });
    await assert.rejects(create({ buildId: spec.id, version: '1.0.0', tag: 'again' }), {
      code: 'release_tag_taken',
      message: /1\.0\.0.*v1\.0\.0/,
    });
  });

  it('takes version and tag as they are given, and the version that a tag is', async () => {
    const { spec } = await shop.built(await shop.commit());

    const both = await create({ buildId: spec.id, version: 'v1.0.0-beta.1', tag: 'spring' });
    const tagged = await create({ buildId: spec.id, tag: 'v1.0.0+build.123' });
    const named = await create({ buildId: spec.id, tag: 'nightly' });

    assert.deepEqual([both.version, both.tag], ['1.0.0-beta.1', 'spring']);
    assert.deepEqual([tagged.version, tagged.tag], ['1.0.0+build.123', 'v1.0.0+build.123']);
    assert.deepEqual([named.version, named.tag], [null, 'nightly']);
    for (const tag of ['12', 'previous', named.id])
      await assert.rejects(create({ buildId: spec.id, tag }), { code: 'request_invalid' }, tag);
    await assert.rejects(create({ buildId: spec.id, version: `1.0.0-${'x'.repeat(200)}` }), {
      code: 'request_invalid',
    });
  });

  it('takes the next version by what the commits since the last one say', async () => {
    const tags = [];
    for (const message of ['feat: first', 'fix: a', 'feat(api): b', 'refactor!: c'])
      tags.push((await next(message)).release.tag);
    await shop.commit(undefined, {}, 'feat: not released');
    tags.push((await next('chore: d')).release.tag);

    assert.deepEqual(tags, ['v0.1.0', 'v0.1.1', 'v0.2.0', 'v0.3.0', 'v0.4.0']);
  });

  it('takes no next version for the same content', async () => {
    const { spec } = await shop.built(await shop.commit());
    const first = await create({ buildId: spec.id });

    assert.equal((await create({ buildId: spec.id })).id, first.id);
  });

  it('counts on a branch from the highest version of that branch, and never to a version that is taken', async () => {
    const old = (await next('feat: first')).release;
    const branch = await shop.commit(undefined, {}, 'fix: for the old one');
    const { spec } = await shop.built(branch);
    await next('feat!: much later');
    const later = await shop.built(await shop.commit(undefined, {}, 'fix: x'));
    await create({ buildId: later.spec.id, version: '2.0.0' });

    const hotfix = await create({ buildId: spec.id });
    const { spec: again } = await shop.built({ ...branch, ...(await onTop(branch.gitSha, 'fix: more')) });
    const second = await create({ buildId: again.id });

    assert.deepEqual([old.tag, hotfix.tag, second.tag], ['v0.1.0', 'v0.1.1', 'v0.1.2']);
  });

  async function onTop(parent: string, message: string) {
    const commit = await shop.commit(undefined, {}, message);
    test.source.history[commit.gitSha] = { message, parent };
    return commit;
  }

  it('takes the next patch and says why when the history cannot be read', async () => {
    await next('feat: first');
    test.source.away = true;

    const { release, note } = await next('feat!: all of it');

    assert.equal(release.tag, 'v0.1.1');
    assert.match(note ?? '', /history of .{8} cannot be read.*next patch/);
  });

  it('goes by the commit itself when no released one leads to it, and says so', async () => {
    await next('feat: first');
    const commit = await shop.commit(undefined, {}, 'feat: start again');
    test.source.history[commit.gitSha] = { message: 'feat: start again', parent: null };
    const { spec } = await shop.built(commit);

    const made = await createRelease(test.platform, shop.caller, shop.project.id, { buildId: spec.id });

    assert.equal(made.release.tag, 'v0.2.0');
    assert.match(made.note ?? '', /None of the commits that were released leads to/);
  });

  it('gets different versions when several are made at once', async () => {
    const specs = [];
    for (const _ of [1, 2, 3]) specs.push((await shop.built(await shop.commit())).spec);

    const tags = (await Promise.all(specs.map(({ id }) => create({ buildId: id })))).map(({ tag }) => tag);

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
