import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BuildId, EnvironmentId, ReleaseId, RevisionId } from './id.ts';
import {
  type BuildFacts,
  keptRevisions,
  planBuilds,
  planManifests,
  planReleases,
  type ReleaseFacts,
  type RevisionFacts,
  retentionActor,
  type StoredManifest,
} from './retention.ts';

const long = new Date('2026-01-01T00:00:00Z');
const before = new Date('2026-02-01T00:00:00Z');
const fresh = new Date('2026-03-01T00:00:00Z');

const releaseId = (number: number) => `rel_${String(number).padStart(6, '0')}` as ReleaseId;

function revision(number: number, over: Partial<RevisionFacts> = {}): RevisionFacts {
  const id = `rev_${number}` as RevisionId;
  const environmentId = 'env_1' as EnvironmentId;
  const facts = { wasHealthy: true, isCurrent: false, isBusy: false };
  return { id, environmentId, number, releaseId: releaseId(number), ...facts, ...over };
}

function release(number: number, over: Partial<ReleaseFacts> = {}): ReleaseFacts {
  const facts = { tag: null, version: null, hasRun: false, isBusy: false, blockedBy: null };
  return { id: releaseId(number), createdAt: long, ...facts, ...over };
}

const numbers = (all: readonly { id: string }[]) => all.map(({ id }) => Number(id.split('_')[1]));

describe('kept revisions', () => {
  it('are the current one and the newest that were healthy, in each environment', () => {
    const revisions = [
      ...[1, 2, 3].map((number) => revision(number)),
      revision(4, { wasHealthy: false }),
      revision(5, { isCurrent: true }),
      revision(6, { wasHealthy: false }),
      ...[7, 8].map((number) => revision(number, { environmentId: 'env_2' as EnvironmentId })),
    ];

    assert.deepEqual(numbers(keptRevisions(revisions, { revisions: 2 })).toSorted(), [2, 3, 5, 7, 8]);
    assert.deepEqual(numbers(keptRevisions(revisions, { revisions: 0 })), [5]);
  });

  it('are also those that a deploy is about to bring up, or whose instances are up, and they take no other’s place', () => {
    const busy = { wasHealthy: false, isBusy: true };
    const revisions = [
      revision(1),
      revision(2, busy),
      revision(3),
      revision(4, { isCurrent: true }),
      revision(5, busy),
    ];

    assert.deepEqual(numbers(keptRevisions(revisions, { revisions: 1 })), [5, 4, 3, 2]);
  });
});

describe('releases', () => {
  const plan = (all: readonly ReleaseFacts[], keep: number, ...pinned: number[]) => {
    const { deleted, retired, kept } = planReleases(all, new Set(pinned.map(releaseId)), { releases: keep }, before);
    return { deleted: numbers(deleted), retired: numbers(retired), kept: numbers(kept) };
  };

  it('beyond the newest are deleted; those in a history lose their images only', () => {
    const all = [release(1), release(2, { hasRun: true }), release(3), release(4)];

    assert.deepEqual(plan(all, 2), { deleted: [1], retired: [2], kept: [4, 3] });
  });

  it('that are pinned stay, and count not among the newest', () => {
    const all = [release(1), release(2), release(3, { hasRun: true }), release(4, { hasRun: true })];

    assert.deepEqual(plan(all, 1, 3, 4), { deleted: [1], retired: [], kept: [4, 3, 2] });
  });

  it('stay while a pipeline has them, when they are fresh, when a person blocked them, and when they have the highest version', () => {
    const all = [
      release(1, { isBusy: true }),
      release(2, { createdAt: fresh }),
      release(3, { blockedBy: 'token:ann' }),
      release(4, { version: '2.0.0' }),
      release(5, { version: '1.9.0' }),
    ];

    assert.deepEqual(plan(all, 0), { deleted: [5], retired: [], kept: [4, 3, 2, 1] });
  });

  it('that were retired stay so, until no history names them', () => {
    const retired = { blockedBy: retentionActor };
    const all = [release(1, { ...retired, hasRun: true }), release(2, retired)];

    assert.deepEqual(plan(all, 5), { deleted: [2], retired: [], kept: [] });
  });
});

describe('builds', () => {
  it('go when no release is left that names them, and are emptied when only retired ones do', () => {
    const build = (number: number, releases: number[], over: Partial<BuildFacts> = {}): BuildFacts => {
      const id = `bld_${number}` as BuildId;
      return { id, createdAt: long, isBusy: false, releases: releases.map(releaseId), ...over };
    };
    const builds = [
      build(1, []),
      build(2, [1]),
      build(3, [1, 2]),
      build(4, [1, 3]),
      build(5, [], { isBusy: true }),
      build(6, [], { createdAt: fresh }),
    ];

    const { deleted, emptied } = planBuilds(builds, { deleted: [release(1)], kept: [release(3)] }, before);

    assert.deepEqual([numbers(deleted), numbers(emptied)], [[1, 2], [3]]);
  });
});

describe('manifests', () => {
  const manifest = (digest: string, over: Partial<StoredManifest> = {}): StoredManifest => ({
    ...{ repository: 'acme/shop/web', digest, pushedAt: long, lists: [] },
    ...{ blobs: [{ digest, sizeBytes: 1 }] },
    ...over,
  });
  const plan = (all: readonly StoredManifest[], ...needed: string[]) =>
    planManifests(all, ({ digest }) => needed.includes(digest), before);

  it('stay when they are needed or fresh, with all that they list', () => {
    const all = [
      manifest('index', { lists: ['amd64', 'statement'] }),
      ...['amd64', 'statement', 'other'].map((digest) => manifest(digest)),
      manifest('pushed', { pushedAt: fresh, lists: ['young'] }),
      manifest('young'),
    ];

    assert.deepEqual(
      plan(all, 'index').map(({ digest }) => digest),
      ['other'],
    );
  });

  it('are known by their repository: one that is needed in another keeps nothing', () => {
    const all = [manifest('index', { lists: ['child'] }), manifest('child', { repository: 'acme/shop/jobs' })];

    assert.deepEqual(
      plan(all, 'index').map(({ repository }) => repository),
      ['acme/shop/jobs'],
    );
  });

  it('go before what they list, and free only what nothing that stays needs, once', () => {
    const layer = (digest: string, sizeBytes: number) => ({ digest, sizeBytes });
    const all = [
      manifest('a', { blobs: [layer('shared', 100), layer('twice', 10), layer('a', 1)] }),
      manifest('b', { blobs: [layer('twice', 10), layer('b', 1)] }),
      manifest('list', { lists: ['a', 'b'] }),
      manifest('stays', { blobs: [layer('shared', 100)] }),
    ];

    const gone = plan(all, 'stays').map(({ digest, freesBytes }) => [digest, freesBytes]);

    assert.deepEqual(gone, [
      ['list', 1],
      ['a', 11],
      ['b', 1],
    ]);
  });
});

describe('over random histories', () => {
  /** A generator with a seed, so that a failure can be repeated. */
  function random(seed: number): (below: number) => number {
    let state = seed;
    return (below) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
  }

  it('every revision that can be restored keeps its release, and a second plan finds nothing', () => {
    for (let seed = 1; seed <= 500; seed++) {
      const below = random(seed);
      const policy = { revisions: below(5), releases: below(4) };
      const releases = Array.from({ length: 1 + below(30) }, (_, index) =>
        release(index, {
          ...(below(9) === 0 && { blockedBy: 'token:ann' }),
          ...(below(3) === 0 && { version: `1.${index}.0` }),
        }),
      );
      const revisions = ['env_1', 'env_2', 'env_3'].flatMap((environment) => {
        const count = below(25);
        const current = below(count + 1);
        return Array.from({ length: count }, (_, number) =>
          revision(number, {
            ...{ id: `rev_${environment}${number}` as RevisionId, environmentId: environment as EnvironmentId },
            ...{ releaseId: releaseId(below(releases.length)), isCurrent: number === current },
            ...{ wasHealthy: number === current || below(3) > 0, isBusy: below(12) === 0 },
          }),
        );
      });
      const facts = releases.map((each) => ({ ...each, hasRun: revisions.some((it) => it.releaseId === each.id) }));
      const restorable = keptRevisions(revisions, policy);
      const pinned = new Set(restorable.map((each) => each.releaseId));

      const first = planReleases(facts, pinned, policy, before);
      const gone = new Set(first.deleted.map(({ id }) => id));
      const retired = new Set(first.retired.map(({ id }) => id));
      const left = facts
        .filter(({ id }) => !gone.has(id))
        .map((each) => (retired.has(each.id) ? { ...each, blockedBy: retentionActor } : each));
      const second = planReleases(left, pinned, policy, before);

      const kept = new Set(first.kept.map(({ id }) => id));
      assert.ok(
        restorable.every((each) => kept.has(each.releaseId)),
        `seed ${seed}`,
      );
      assert.ok(
        first.deleted.every(({ hasRun }) => !hasRun),
        `seed ${seed}`,
      );
      assert.deepEqual([second.deleted, second.retired], [[], []], `seed ${seed}`);
      assert.deepEqual(new Set(second.kept.map(({ id }) => id)), kept, `seed ${seed}`);
    }
  });
});
