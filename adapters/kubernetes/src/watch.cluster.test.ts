import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiBetween, apiBetween, type OwnNamespace, ownNamespace, testCluster } from '../testing/index.ts';
import { type Change, type Cluster, type ConfigMap, kinds, kubernetesCluster } from './index.ts';

const found = await testCluster();

describe('watching a Kubernetes cluster', { skip: 'missing' in found && found.missing }, () => {
  let cluster: Cluster;
  let own: OwnNamespace;
  let between: ApiBetween;
  /** Through `between`. */
  let watching: Cluster;
  before(async () => {
    if ('missing' in found) return;
    cluster = found.cluster;
    own = await ownNamespace(cluster);
    between = await apiBetween(found.kubeconfig);
    watching = await kubernetesCluster({ kubeconfig: between.kubeconfig, patienceMs: 2_000 });
  });
  after(async () => {
    await own[Symbol.asyncDispose]();
    await between[Symbol.asyncDispose]();
  });
  const add = (name: string, labels: Record<string, string>) =>
    cluster.create(kinds.ConfigMap, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: own.name, labels },
      data: { turn: '0' },
    });
  const change = (name: string, turn: string) =>
    cluster.patch(kinds.ConfigMap, { name, namespace: own.name }, { data: { turn } });
  const remove = (name: string) => cluster.remove(kinds.ConfigMap, { name, namespace: own.name });
  const summary = ({ type, object }: Change<ConfigMap>) => `${type} ${object.metadata.name} ${object.data?.turn}`;

  /** Follows in the background what is told of objects with this label. */
  function follow(labels: string, by = watching) {
    const told: string[] = [];
    const stop = new AbortController();
    const ended = (async () => {
      for await (const it of by.watch(kinds.ConfigMap, { namespace: own.name, labels }, stop.signal))
        told.push(summary(it));
    })();
    ended.catch(() => {});
    return {
      told,
      ended,
      async until(isThere: (told: readonly string[]) => boolean) {
        for (const end = performance.now() + 20_000; !isThere(told); await sleep(20)) {
          assert.ok(performance.now() < end, `told only ${told.length}: ${told.slice(-20).join(', ')}`);
        }
      },
      async stop() {
        stop.abort(new Error('enough'));
        await assert.rejects(ended, /enough/);
        return told;
      },
    };
  }

  it('tells what there is and then every change', async () => {
    await add('first', { test: 'plain' });
    const followed = follow('test=plain');
    await followed.until((told) => told.length === 1);

    await add('other', { test: 'another' });
    await add('second', { test: 'plain' });
    await change('first', '1');
    await remove('second');
    await followed.until((told) => told.length === 4);

    assert.deepEqual(await followed.stop(), ['added first 0', 'added second 0', 'changed first 1', 'removed second 0']);
  });

  it('misses none of many changes', async () => {
    await add('many', { test: 'many' });
    const followed = follow('test=many');
    await followed.until((told) => told.length === 1);
    const expected = new Map([['many', 1]]);

    await Promise.all(
      Array.from({ length: 12 }, async (_, at) => {
        for (let round = 0; round < 8; round++) {
          const name = `many-${at}-${round}`;
          await add(name, { test: 'many' });
          for (let turn = 1; turn <= 3; turn++) await change(name, `${turn}`);
          if (round % 2 === 0) await remove(name);
          expected.set(name, round % 2 === 0 ? 5 : 4);
        }
      }),
    );
    await followed.until((told) => told.length >= 1 + 12 * (4 * 5 + 4 * 4));

    const counts = Map.groupBy(await followed.stop(), (line) => line.split(' ')[1] ?? '');
    assert.deepEqual(
      new Map([...counts].map(([name, lines]) => [name, lines.length] as const).toSorted()),
      new Map([...expected].toSorted()),
    );
  });

  it('goes on where it was when the API server was away', async () => {
    await add('kept', { test: 'away' });
    await add('going', { test: 'away' });
    const followed = follow('test=away');
    await followed.until((told) => told.length === 2);

    between.setAway(true);
    await change('kept', '1');
    await change('kept', '2');
    await remove('going');
    await add('new', { test: 'away' });
    await sleep(500);
    between.setAway(false);
    await followed.until((told) => told.length === 6);
    between.cut();
    await change('new', '7');
    await followed.until((told) => told.length === 7);

    assert.deepEqual((await followed.stop()).slice(2), [
      'changed kept 1',
      'changed kept 2',
      'removed going 0',
      'added new 0',
      'changed new 7',
    ]);
  });

  it('tells the differences when the API server no longer knows where it was', async () => {
    for (const name of ['still', 'moving', 'leaving', 'remade']) await add(name, { test: 'expired' });
    const followed = follow('test=expired');
    await followed.until((told) => told.length === 4);

    between.setAway(true);
    await change('moving', '1');
    await change('moving', '2');
    await remove('leaving');
    await remove('remade');
    await add('remade', { test: 'expired' });
    await add('coming', { test: 'expired' });
    let isExpired = false;
    between.rewrite((url) => {
      // Once: of the oldest versions the API server knows nothing any more.
      if (isExpired || !url.searchParams.has('watch')) return;
      isExpired = true;
      url.searchParams.set('resourceVersion', '1');
    });
    between.setAway(false);
    await followed.until((told) => told.length >= 9);
    await change('still', '9');
    await followed.until((told) => told.some((line) => line === 'changed still 9'));

    assert.equal(isExpired, true);
    between.rewrite(null);
    const told = (await followed.stop()).slice(4);
    assert.deepEqual(told.slice(0, 2).toSorted(), ['removed leaving 0', 'removed remade 0']);
    assert.deepEqual(told.slice(2, -1).toSorted(), ['added coming 0', 'added remade 0', 'changed moving 2']);
    assert.equal(told.at(-1), 'changed still 9');
  });

  it('gives up on an API server that stays away', async () => {
    const followed = follow('test=gone');
    await followed.until(() => between.requests() > 0);
    await sleep(100);

    between.setAway(true);

    await assert.rejects(followed.ended, { code: 'cluster_unreachable', kind: 'unavailable' });
    between.setAway(false);
  });

  it('begins with no API server that is away', async () => {
    between.setAway(true);

    await assert.rejects(follow('test=none').ended, { code: 'cluster_unreachable' });
    between.setAway(false);
  });
});
