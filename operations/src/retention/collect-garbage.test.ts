import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { type TestDatabase, testDatabase } from '@eve/adapter-postgres/testing';
import type { Environment, RetentionPolicy, Revision } from '@eve/domain';
import {
  deployed,
  environmentNow,
  type SampleProject,
  type ScriptedRegistryStorage,
  sampleProject,
  scriptedRegistryStorage,
  type TestPlatform,
  testPlatform,
  testRegistry,
} from '../../testing/index.ts';
import type { Caller } from '../caller.ts';
import { createRelease } from '../releases/create-release.ts';
import { collectGarbage, type GarbageReport } from './collect-garbage.ts';
import type { RetentionNeeds } from './planned.ts';
import { restorableRevisions } from './restorable.ts';
import { collectWhenDue } from './retention-loop.ts';

const never = new AbortController().signal;
const operator: Caller = {
  ...{ actor: 'token:operator', tenantId: 'org_none', scopes: ['admin'], projectId: null, operator: true },
};
const weekMs = 7 * 86_400_000;
const policy: RetentionPolicy = {
  ...{ revisions: 1, releases: 0, builds: 0 },
  ...{ imagesMs: 60_000, logsMs: weekMs, everyMs: 0 },
};

let db: TestDatabase;
let test: TestPlatform;
let shop: SampleProject;
let storage: ScriptedRegistryStorage;

before(async () => {
  db = await testDatabase();
});
after(() => db[Symbol.asyncDispose]());
beforeEach(async () => {
  test = await testPlatform({ retention: policy }, db);
  shop = await sampleProject(test);
  storage = scriptedRegistryStorage(test.registry);
});
afterEach(() => test[Symbol.asyncDispose]());

/** The platform a day later, with a registry of Eve's whose storage can be looked at. */
function later(over: Partial<RetentionPolicy> = {}): RetentionNeeds & TestPlatform['platform'] {
  return {
    ...test.platform,
    now: () => new Date(Date.now() + 86_400_000),
    settings: { ...test.platform.settings, retention: { ...policy, ...over } },
    registryStorage: storage,
  };
}

const collect = (platform = later(), dryRun = false) => collectGarbage(platform, operator, { dryRun }, never);
const kinds = ({ items }: Pick<GarbageReport, 'items'>) =>
  Object.fromEntries(
    [...Map.groupBy(items, ({ kind }) => kind)].map(([kind, all]) => [kind, all.length] as const).toSorted(),
  );

async function revisionsOf({ tenantId, id }: Environment): Promise<readonly Revision[]> {
  return (await test.platform.store.revisions.list(tenantId, id, { limit: 100 })).items;
}

/** A new commit, built and running in an environment. */
async function ran(envName?: string): Promise<{ buildId: string }> {
  const commit = await shop.commit();
  const { spec } = await shop.built(commit);
  const { status } = await deployed(test, shop, { ...commit, ...(envName && { envName }) });
  assert.equal(status, 'healthy');
  return { buildId: spec.id };
}

describe('a collection of garbage', () => {
  it('keeps what serves and what can be restored, and blocks releases that history names when their images go', async () => {
    for (let count = 0; count < 4; count++) await ran();
    assert.equal(test.registry.held().length, 8);

    const report = await collect();

    assert.deepEqual(kinds(report), { registry_image: 4, release: 2 });
    assert.equal(report.freedBytes, 123);
    const environment = await environmentNow(test, shop);
    const revisions = await revisionsOf(environment);
    const found = await restorableRevisions(later(), environment, revisions);
    assert.deepEqual(
      found.map(({ code, pinned }) => [code, pinned]),
      [
        ['current', true],
        ['restorable', true],
        ['beyond_retention', false],
        ['beyond_retention', false],
      ],
    );
    assert.match(found[2]?.reason ?? '', /newest 1 .*, and the images of this one have gone/);
    const blocks = await test.platform.store.releases.blocks(
      environment.tenantId,
      revisions.map(({ releaseId }) => releaseId),
    );
    assert.deepEqual(
      blocks.map(({ blockedBy }) => blockedBy),
      ['retention', 'retention'],
    );
  });

  it('removes nothing the second time', async () => {
    for (let count = 0; count < 3; count++) await ran();
    await shop.built(await shop.commit());
    await collect();

    assert.deepEqual((await collect()).items, []);
    assert.deepEqual((await collect(later(), true)).items, []);
    assert.equal(storage.collections, 2);
  });

  it('says in a dry run exactly what then goes, and does nothing', async () => {
    for (let count = 0; count < 3; count++) await ran();
    const { spec } = await shop.built(await shop.commit());
    await createRelease(test.platform, shop.caller, shop.project.id, { buildId: spec.id, version: '0.0.1' });
    const { spec: newer } = await shop.built(await shop.commit());
    await createRelease(test.platform, shop.caller, shop.project.id, { buildId: newer.id, version: '1.0.0' });
    const heldBefore = test.registry.held();

    const said = await collect(later(), true);
    assert.deepEqual(test.registry.held(), heldBefore);
    assert.equal(storage.collections, 0);
    const done = await collect();

    assert.deepEqual(done.items, said.items);
    assert.deepEqual(kinds(said), { build: 1, registry_image: 4, release: 2 });
    assert.ok(said.items.every(({ rule }) => /^\w+: /.test(rule)));
  });

  it('leaves base images, other registries’ repositories and what is fresh where they are', async () => {
    test.registry.push(`${testRegistry}/library/debian:12`, `sha256:${'1'.repeat(64)}`);
    test.registry.push(`${testRegistry}/acme/shop/by-hand:1`, `sha256:${'2'.repeat(64)}`);

    const young = await collect(later({ imagesMs: 2 * weekMs }));
    const old = await collect();

    assert.deepEqual(young.items, []);
    assert.deepEqual(
      old.items.map(({ id }) => id),
      [`${testRegistry}/acme/shop/by-hand@sha256:${'2'.repeat(64)}`],
    );
    assert.deepEqual(test.registry.held(), [`${testRegistry}/library/debian@sha256:${'1'.repeat(64)}`]);
  });

  it('removes engine images that nothing that can be restored needs, and strays, but tells only of volumes', async () => {
    await ran();
    const digests = test.registry.held();
    const image = (id: string, references: readonly string[], inUse = false) =>
      test.deployer.engineImages.push({ id, references, sizeBytes: 5, createdAt: new Date(), inUse });
    for (const reference of digests) image(`kept ${reference}`, [reference]);
    image('old', [`${testRegistry}/acme/shop/web@sha256:${'3'.repeat(64)}`]);
    image('used', [`${testRegistry}/acme/shop/web@sha256:${'4'.repeat(64)}`], true);
    image('another’s too', [`${testRegistry}/acme/shop/web:1`, 'docker.io/somebody/web:1']);
    const { id } = await environmentNow(test, shop);
    const gone = 'env_gone' as typeof id;
    const stray = { createdAt: new Date(), sizeBytes: null };
    for (const kind of ['container', 'network', 'volume'] as const) {
      test.deployer.strayThings.push({ kind, name: `stray-${kind}`, environmentId: gone, ...stray });
      test.deployer.strayThings.push({ kind, name: `live-${kind}`, environmentId: id, ...stray });
    }

    const report = await collect();

    assert.deepEqual(
      report.items.map(({ kind, id: name }) => [kind, name.slice(-4)]),
      [
        ['container', 'iner'],
        ['network', 'work'],
        ['engine_image', '3333'],
      ],
    );
    assert.deepEqual(
      report.told.map(({ id: name, kind }) => [kind, name]),
      [['volume', 'stray-volume']],
    );
    assert.equal(test.deployer.strayThings.length, 4);
  });

  it('removes blobs that no record names, and logs of instances that are old', async () => {
    const { spec } = await shop.built(await shop.commit());
    const { blobs } = test.platform;
    const put = (key: string) => blobs.put(key, bytes(), { maxBytes: 100 });
    async function* bytes() {
      yield Buffer.from('x');
    }
    const named = `sources/${shop.project.id}/${spec.gitSha}.pack`;
    const unnamed = [`sources/${shop.project.id}/${'a'.repeat(40)}.pack`, 'logs/org/gone/1-2.zst'];
    for (const key of [named, ...unnamed, 'other/thing']) await put(key);
    const muchLater = { ...later({ builds: 5 }), now: () => new Date(Date.now() + 3 * 86_400_000) };

    const fresh = await collect({ ...later({ builds: 5 }), now: () => new Date() });
    const report = await collect(muchLater);

    assert.deepEqual(fresh.items, []);
    assert.deepEqual(report.items.map(({ id }) => id).toSorted(), unnamed.toSorted());
    assert.deepEqual(await Promise.all([named, 'other/thing'].map(blobs.has)), [true, true]);
  });

  it('leaves the registry out while builds take longer than it waits, and is for the operator only', async () => {
    const { run } = await shop.build(await shop.commit());
    const claimed = await test.platform.queue.claim({ worker: 'w', classes: ['build'], leaseMs: 60_000 });
    assert.equal(claimed.work?.id, run.id);

    const report = await collectGarbage(later(), operator, { waitMs: 10 }, never);

    assert.match(report.notes.join(), /registry: left out, builds were under way/);
    assert.equal(storage.collections, 0);
    await assert.rejects(collectGarbage(later(), { ...operator, operator: false }, {}, never), {
      code: 'caller_forbidden',
    });
  });

  it('that broke off is finished by the next, and has left nothing that names what is gone', async () => {
    for (let count = 0; count < 3; count++) await ran();
    const said = await collect(later(), true);
    const remove = test.registry.remove;
    let calls = 0;
    const ending = new AbortController();
    test.registry.remove = async (...given) => {
      calls += 1;
      if (calls === 2) ending.abort(new Error('killed'));
      ending.signal.throwIfAborted();
      return remove(...given);
    };
    await assert.rejects(collectGarbage(later(), operator, {}, ending.signal), /killed/);
    test.registry.remove = remove;

    const environment = await environmentNow(test, shop);
    const found = await restorableRevisions(later(), environment, await revisionsOf(environment));
    const { items } = await collect();

    assert.deepEqual(
      found.map(({ code }) => code),
      ['current', 'restorable', 'beyond_retention'],
    );
    assert.deepEqual(items, said.items.filter(({ kind }) => kind === 'registry_image').slice(1));
    assert.equal(storage.collections, 1);
    assert.deepEqual((await collect()).items, []);
  });

  it('is done by itself when it is due, by one process of the installation', async () => {
    test.registry.push(`${testRegistry}/acme/shop/by-hand:1`, `sha256:${'2'.repeat(64)}`);
    const platform = later({ everyMs: 3_600_000 });

    const done = await Promise.all([collectWhenDue(platform, never), collectWhenDue(platform, never)]);

    assert.deepEqual(done.toSorted(), [false, true]);
    assert.equal(await collectWhenDue(platform, never), false);
    assert.deepEqual(test.registry.held(), []);
    assert.ok(test.said.some(({ sentence }) => sentence === 'garbage was collected'));
  });
});
