import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Release, retentionActor } from '@eve/domain';
import { parse } from 'yaml';
import {
  deployed,
  digestOf,
  eachOnSampleProject,
  environmentNow,
  type SampleProject,
  sampleProject,
  type TestPlatform,
} from '../../testing/index.ts';
import { blockRelease, unblockRelease } from './block-release.ts';
import { createRelease } from './create-release.ts';
import { deleteRelease, pruneReleases } from './delete-releases.ts';
import { listReleases } from './read-releases.ts';
import { releaseManifest } from './release-manifest.ts';
import { showRelease } from './show-release.ts';

let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject((scene) => {
  ({ test, shop } = scene);
});

/** A release of a new commit. */
async function released(version?: string): Promise<Release> {
  const { spec } = await shop.built(await shop.commit());
  const about = { buildId: spec.id, ...(version !== undefined && { version }) };
  return (await createRelease(test.platform, shop.caller, shop.project.id, about)).release;
}

const acts = async (id: string) => {
  const all = await test.platform.store.transitions.list(shop.caller.tenantId, id);
  return all.map(({ event, to, actor }) => `${event} ${to} ${actor}`);
};

describe('releases', () => {
  it('are listed by the beginning of their commit, version, tag, build, block and age', async () => {
    const one = await released('1.0.0');
    const two = await released('1.1.0');
    await blockRelease(test.platform, shop.caller, { release: 'v1.0.0', projectId: shop.project.id, reason: 'leaks' });
    const list = async (filter: object) =>
      (await listReleases(test.platform, shop.caller, shop.project.id, { limit: 10, ...filter })).items.map(
        ({ release, block }) => [release.tag, block?.reason ?? null],
      );
    const [first, second] = [
      ['v1.0.0', 'leaks'],
      ['v1.1.0', null],
    ];

    assert.deepEqual(await list({}), [second, first]);
    assert.deepEqual(await list({ gitSha: one.gitSha?.slice(0, 8) }), [first]);
    assert.deepEqual(await list({ version: '1.1.0' }), [second]);
    assert.deepEqual(await list({ tag: 'v1.0.0' }), [first]);
    assert.deepEqual(await list({ buildId: two.buildId }), [second]);
    assert.deepEqual(await list({ blocked: true }), [first]);
    assert.deepEqual(await list({ blocked: false }), [second]);
    assert.deepEqual(await list({ since: two.createdAt }), [second]);
    assert.deepEqual(await list({ since: new Date(Date.now() + 60_000) }), []);
  });

  it('say where they run now, of which build they are and that they are blocked', async () => {
    const release = await released('1.0.0');
    await released('1.1.0');
    await deployed(test, shop, { releaseTag: 'v1.0.0' });
    await deployed(test, shop, { releaseTag: 'v1.1.0', envName: 'staging' });
    await blockRelease(test.platform, shop.caller, { release: release.id, reason: 'leaks' });

    const shown = await showRelease(test.platform, shop.caller, 'v1.0.0');

    assert.equal(shown.block?.reason, 'leaks');
    assert.equal(shown.build?.number, 1);
    assert.deepEqual(
      shown.running.map(({ environment, revision, by }) => [environment, revision, by]),
      [['test', 1, 'token:sample']],
    );
    assert.ok(shown.running[0]?.since);
  });

  it('are blocked and unblocked with a trace, and another reason takes the place of the first', async () => {
    const release = await released('1.0.0');
    const about = { release: 'v1.0.0', projectId: shop.project.id };

    await blockRelease(test.platform, shop.caller, { ...about, reason: 'leaks' });
    const { block } = await blockRelease(test.platform, shop.caller, { ...about, reason: ' leaks memory ' });
    await unblockRelease(test.platform, shop.caller, about);
    await unblockRelease(test.platform, shop.caller, about);

    assert.equal(block.reason, 'leaks memory');
    assert.equal((await showRelease(test.platform, shop.caller, release.id)).block, null);
    assert.deepEqual(await acts(release.id), [
      'block blocked token:sample',
      'block blocked token:sample',
      'unblock allowed token:sample',
    ]);
  });

  it('need a reason and a scope to be blocked, and stay blocked where retention took their images', async () => {
    const release = await released('1.0.0');
    const about = { release: release.id, reason: 'x' };
    const stranger = await sampleProject(test, 'stranger');
    const reader = { ...shop.caller, scopes: ['read'] as const };

    for (const reason of ['', ' \n', 'two\nlines', 'x'.repeat(501)])
      await assert.rejects(blockRelease(test.platform, shop.caller, { ...about, reason }), { code: 'request_invalid' });
    await assert.rejects(blockRelease(test.platform, reader, about), { code: 'caller_forbidden' });
    await assert.rejects(blockRelease(test.platform, stranger.caller, about), { code: 'release_not_found' });
    await assert.rejects(blockRelease(test.platform, shop.caller, { ...about, projectId: stranger.project.id }), {
      code: 'release_not_found',
    });
    await blockRelease(test.platform, { ...shop.caller, actor: retentionActor }, about);
    await assert.rejects(unblockRelease(test.platform, shop.caller, about), { code: 'release_blocked' });
  });

  it('are deleted only while no environment runs them or has them in its history', async () => {
    const [past, current, unused] = [await released('1.0.0'), await released('1.1.0'), await released('1.2.0')];
    for (const tag of ['v1.0.0', 'v1.1.0']) await deployed(test, shop, { releaseTag: tag });
    const remove = (release: Release, caller = shop.caller) =>
      deleteRelease(test.platform, caller, { release: release.id, projectId: shop.project.id });
    const stranger = await sampleProject(test, 'stranger');

    await assert.rejects(remove(current), { code: 'release_in_use', message: /v1\.1\.0 stays: it runs in test\./ });
    await assert.rejects(remove(past), { code: 'release_in_use', message: /it is in the history of test\./ });
    await assert.rejects(remove(unused, stranger.caller), { code: 'release_not_found' });
    await blockRelease(test.platform, shop.caller, { release: unused.id, reason: 'x' });
    await remove(unused);

    await assert.rejects(showRelease(test.platform, shop.caller, 'v1.2.0', shop.project.id), {
      code: 'release_not_found',
    });
    assert.deepEqual(await acts(unused.id), ['block blocked token:sample', 'delete deleted token:sample']);
  });

  it('are pruned beyond the newest, and those that stay say why', async () => {
    for (const version of ['9.0.0', '1.0.0', '1.1.0', '1.2.0', '1.3.0']) await released(version);
    await deployed(test, shop, { releaseTag: 'v1.1.0' });

    const { deleted, kept } = await pruneReleases(test.platform, shop.caller, shop.project.id, 1);

    const tags = (all: readonly Release[]) => all.map(({ tag }) => tag);
    assert.deepEqual(tags(deleted), ['v1.0.0', 'v1.2.0']);
    assert.deepEqual(
      kept.map(({ release, reason }) => `${release.tag}: ${reason}`),
      ['v9.0.0: the next version is counted from 9.0.0', 'v1.1.0: it runs in test'],
    );
    assert.equal((await environmentNow(test, shop)).status, 'active');
    for (const keep of [-1, 1.5, 1e9])
      await assert.rejects(pruneReleases(test.platform, shop.caller, shop.project.id, keep), {
        code: 'request_invalid',
      });
  });

  it('are described as a ConfigMap whose values are texts', async () => {
    const release = await released('1.0.0+build.5');

    const text = await releaseManifest(test.platform, shop.caller, 'v1.0.0+build.5');

    const { apiVersion, kind, metadata, data } = parse(text);
    assert.deepEqual([apiVersion, kind, metadata.name], ['v1', 'ConfigMap', 'release-info']);
    assert.equal(data.version, 'v1.0.0+build.5');
    assert.equal(data['git-sha'], release.gitSha);
    assert.match(data['build-date'], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.equal(data['build-number'], '1');
    assert.equal(data['digest.web'], release.images.web?.digest);
    assert.notEqual(data['digest.web'], digestOf('web'));
    for (const value of Object.values(data)) assert.equal(typeof value, 'string');
    assert.match(text, /^apiVersion: v1\nkind: ConfigMap\n/);
    assert.match(text, /^ {2}build-number: "1"$/m);
  });
});
