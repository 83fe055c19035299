import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  type SampleProject,
  sampleManifest,
  sampleProject,
  type TestPlatform,
  testPlatform,
} from '../../testing/index.ts';
import { createBuild } from './create-build.ts';

let test: TestPlatform;
let shop: SampleProject;

before(async () => {
  test = await testPlatform();
  shop = await sampleProject(test);
});

after(() => test[Symbol.asyncDispose]());

describe('a build', () => {
  const create = (request: Parameters<typeof createBuild>[3]) =>
    createBuild(test.platform, shop.caller, shop.project.id, request);

  it('is the same for the same configuration, however it is written', async () => {
    const commit = await shop.commit();

    const first = await create({
      ...commit,
      services: ['web', 'jobs', 'web'],
      inputs: { tag: 'a', buildArgs: { A: '1', B: '2' } },
    });
    const again = await create({
      ...commit,
      services: ['jobs', 'web'],
      inputs: { buildArgs: { B: '2', A: '1' }, tag: 'a' },
    });
    const other = await create({ ...commit, services: ['web'] });

    assert.equal(again.id, first.id);
    assert.deepEqual(first.services, ['jobs', 'web']);
    assert.notEqual(other.id, first.id);
    assert.equal(other.number, first.number + 1);
  });

  it('is another one for another commit with the same manifest, and both may be built', async () => {
    const [one, two] = [await shop.commit(), await shop.commit()];

    const first = await shop.built(one);
    const second = await shop.built(two);

    assert.equal(one.manifestHash, two.manifestHash);
    assert.notEqual(first.spec.id, second.spec.id);
    assert.deepEqual([first.run.status, second.run.status], ['completed', 'completed']);
  });

  it('is refused when its cache would have no place', async () => {
    const image = 'services:\n  web: { build: { context: web }, image: ghcr.io/acme/web }\n';
    const commit = await shop.commit(`registry: none\n${image}`);

    await assert.rejects(create({ ...commit, cache: { to: ['registry'] } }), {
      code: 'request_invalid',
      message: /The cache "registry" has no place/,
    });
  });

  it('names the services there are when one is unknown', async () => {
    const commit = await shop.commit();

    await assert.rejects(create({ ...commit, services: ['web', 'nothing'] }), {
      code: 'service_unknown',
      message: /"nothing".*web, jobs/,
    });
  });

  it('names a hash that nobody synced, and the one that the commit has', async () => {
    const { gitSha, manifestHash } = await shop.commit();
    const unknown = 'f'.repeat(64);

    await assert.rejects(create({ gitSha, manifestHash: unknown }), (error: Error & { code: string }) => {
      assert.equal(error.code, 'manifest_hash_unknown');
      assert.match(error.message, new RegExp(unknown));
      assert.match(error.message, new RegExp(manifestHash));
      assert.match(error.message, /eve project sync --ref/);
      return true;
    });
  });

  it('names both hashes when the manifest is another commit’s', async () => {
    const mine = await shop.commit();
    const other = await shop.commit(`${sampleManifest}\n# changed\n`);

    await assert.rejects(
      create({ gitSha: mine.gitSha, manifestHash: other.manifestHash }),
      (error: Error & { code: string }) => {
        assert.equal(error.code, 'manifest_hash_mismatch');
        assert.match(error.message, new RegExp(mine.manifestHash));
        assert.match(error.message, new RegExp(other.manifestHash));
        return true;
      },
    );
  });

  it('needs a whole commit id and a project of the caller', async () => {
    const commit = await shop.commit();

    await assert.rejects(create({ ...commit, gitSha: commit.gitSha.slice(0, 12) }), { code: 'request_invalid' });
    const stranger = await sampleProject(test, 'other');
    await assert.rejects(createBuild(test.platform, stranger.caller, shop.project.id, commit), {
      code: 'project_not_found',
    });
  });
});
