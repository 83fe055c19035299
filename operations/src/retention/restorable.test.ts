import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  at,
  digestOf,
  sampleConfig,
  sampleDeploy,
  sampleEnvironment,
  sampleRelease,
  sampleRevision,
} from '@eve/adapter-postgres/testing';
import type { ConfigVersion, Environment, Release, Revision } from '@eve/domain';
import {
  type Commit,
  eachOnSampleProject,
  type SampleProject,
  type TestPlatform,
  testRegistry,
} from '../../testing/index.ts';
import { restorableRevisions, unrestorable } from './restorable.ts';

let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject((scene) => {
  ({ test, shop } = scene);
});

interface Place {
  readonly environment: Environment;
  readonly config: ConfigVersion;
  readonly commit: Commit;
}

async function place(): Promise<Place> {
  const { store } = test.platform;
  const environment = sampleEnvironment(shop.project, { name: 'test' });
  await store.environments.insert(environment);
  const config = await store.configVersions.insert(sampleConfig(environment));
  return { environment, config, commit: await shop.commit() };
}

/** A revision of a new release whose image is in the registry, with a deploy that ended so. */
async function revision(
  { environment, config, commit }: Place,
  word: string,
  { healthy = true, local = false }: { healthy?: boolean; local?: boolean } = {},
): Promise<Revision & { release: Release; digest: string }> {
  const { store } = test.platform;
  const image = { registry: 'eve', repository: 'acme/shop/web' };
  const digest = digestOf(word);
  test.registry.push(`${testRegistry}/${image.repository}@${digest}`, digest);
  const release = sampleRelease(shop.project, {
    ...{ ...commit, images: { web: { image, digest, platforms: [] } }, local },
    ...{ tag: word, createdAt: new Date() },
  });
  await store.releases.insert(release);
  const made = await store.revisions.insert(sampleRevision(release, config));
  const status = healthy ? 'healthy' : 'cancelled';
  await store.deploys.insert(sampleDeploy(made, { status, startedAt: at, completedAt: at }));
  if (healthy) {
    await store.environments.update({ ...environment, currentRevisionId: made.id });
  }
  return { ...made, release, digest };
}

const looked = async ({ environment }: Place, ...revisions: Revision[]) =>
  restorableRevisions(test.platform, environment, revisions);

describe('a revision', () => {
  it('can be restored when it was healthy and its images are there; asked is once for each release', async () => {
    const here = await place();
    const [first, second, third] = [await revision(here, 'a'), await revision(here, 'b'), await revision(here, 'c')];
    test.registry.inspected.length = 0;

    const found = await looked(here, first, first, second, third);

    assert.deepEqual(
      found.map(({ code, reason, pinned }) => [code, reason, pinned]),
      [
        ['restorable', null, true],
        ['restorable', null, true],
        ['restorable', null, true],
        ['current', null, true],
      ],
    );
    assert.equal(test.registry.inspected.length, 2);
  });

  it('says why it cannot be restored', async () => {
    const here = await place();
    const never = await revision(here, 'never', { healthy: false });
    const blocked = await revision(here, 'blocked');
    const gone = await revision(here, 'gone');
    const lost = await revision(here, 'lost', { local: true });
    await revision(here, 'current');
    const block = { releaseId: blocked.releaseId, blockedBy: 'token:ann', blockedAt: at };
    await test.platform.store.releases.block(shop.organisation.id, { ...block, reason: 'it leaks' });
    test.registry.lose(gone.digest);

    const found = await looked(here, never, blocked, gone, lost);

    assert.deepEqual(
      found.map(({ code }) => code),
      ['never_healthy', 'release_blocked', 'image_gone', 'image_gone'],
    );
    const [, , image, local] = found.map((each) => unrestorable(here.environment, each));
    assert.deepEqual(
      found.map((each) => unrestorable(here.environment, each)?.code),
      ['rollback_target_missing', 'release_blocked', 'rollback_target_missing', 'rollback_target_missing'],
    );
    assert.match(
      image?.message ?? '',
      /test#3 cannot be restored: .*web has gone from the registry: registry\.test.*@sha256/,
    );
    assert.match(local?.message ?? '', /has gone from the local engine/);
  });

  it('of a local release can be restored while the engine holds its image', async () => {
    const here = await place();
    const local = await revision(here, 'local', { local: true });
    await revision(here, 'current');
    test.deployer.localImages[local.digest] = local.digest;

    assert.deepEqual(
      (await looked(here, local)).map(({ code }) => code),
      ['restorable'],
    );
  });

  it('may be restorable while the registry does not answer', async () => {
    const here = await place();
    const first = await revision(here, 'a');
    await revision(here, 'b');
    test.registry.outage = new Error('nobody listens');

    const [found] = await looked(here, first);

    test.registry.outage = null;
    assert.equal(found?.code, 'unknown');
    assert.equal(found && unrestorable(here.environment, found)?.code, 'registry_unavailable');
  });

  it('beyond what is kept is not offered, unless another that is kept has the same release', async () => {
    const here = await place();
    const platform = {
      ...test.platform,
      settings: { ...test.platform.settings, retention: { ...test.platform.settings.retention, revisions: 1 } },
    };
    const first = await revision(here, 'a');
    const second = await revision(here, 'b');
    const { store } = test.platform;
    const again = await store.revisions.insert(sampleRevision(first.release, here.config));
    await store.deploys.insert(sampleDeploy(again, { status: 'healthy', startedAt: at, completedAt: at }));
    await revision(here, 'c');

    const found = await restorableRevisions(platform, here.environment, [first, second, again]);

    assert.deepEqual(
      found.map(({ code, pinned }) => [code, pinned]),
      [
        ['restorable', true],
        ['beyond_retention', false],
        ['restorable', true],
      ],
    );
  });
});
