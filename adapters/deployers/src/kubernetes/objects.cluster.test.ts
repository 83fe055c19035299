import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { annotation, kinds, label } from '@eve/adapter-kubernetes';
import { kubectl } from '@eve/adapter-kubernetes/testing';
import { defaultUpdate } from '@eve/domain';
import type { DeployTarget } from '@eve/operations';
import { rolled } from '../../../../operations/testing/deployer-rolling-contract.ts';
import {
  applied,
  contractPlace,
  get,
  instanceOf,
  served,
  until,
} from '../../../../operations/testing/deployer-target.ts';
import { testKubernetesDeployer } from '../../testing/index.ts';

const never = new AbortController().signal;
type Opened = Exclude<Awaited<ReturnType<typeof testKubernetesDeployer>>, { missing: string }>;

describe('what the deployer kubernetes makes in a cluster', { timeout: 300_000 }, () => {
  let opened: Opened | { missing: string } = { missing: 'it was not opened' };
  before(async () => {
    opened = await testKubernetesDeployer({ minimumDeadlineMs: 30_000 });
  });
  after(async () => {
    if (!('missing' in opened)) await opened[Symbol.asyncDispose]();
  });

  /** A test in a namespace of its own, which goes in its own time. */
  const inNamespace = (
    sentence: string,
    act: (test: Opened, place: ReturnType<typeof contractPlace>) => Promise<void>,
  ) =>
    it(sentence, async (test) => {
      if ('missing' in opened) return test.skip(opened.missing);
      const place = contractPlace(opened.image);
      try {
        await act(opened, place);
      } finally {
        await opened.cluster.remove(kinds.Namespace, { name: place.place });
      }
    });

  inNamespace('keeps secrets apart, in objects that never change and go with their Deployment', async (test, place) => {
    const { deployer, cluster } = test;
    const web = (VERSION: string) => ({
      name: 'web',
      variables: { VERSION, PLAIN: 'x', LITERAL: '$(PLAIN)' },
      secretNames: ['VERSION'],
    });
    const release = { tag: 'v1.2.0', version: '1.2.0', gitSha: 'a'.repeat(40), builtAt: new Date(0), buildNumber: 7 };
    const first: DeployTarget = { ...place.target(web('hidden')), release };
    await applied(deployer, first);
    await served(deployer, first);
    const namespace = place.place;
    const ofWeb = { namespace, labels: `${label.service}=web` };
    const [config] = await cluster.list(kinds.ConfigMap, ofWeb);
    const [secret] = await cluster.list(kinds.Secret, ofWeb);
    const old = await instanceOf(deployer, first, 'web');

    const second = place.target(web('changed'));
    await applied(deployer, second);
    await served(deployer, second);
    await deployer.remove([old], never);

    assert.deepEqual([config?.immutable, config?.data], [true, { LITERAL: '$(PLAIN)', PLAIN: 'x', PORT: '3000' }]);
    assert.deepEqual([secret?.immutable, Object.keys(secret?.data ?? {})], [true, ['VERSION']]);
    assert.match(config?.metadata.name ?? '', /^web-c1-[0-9a-f]{8}$/);
    await until(async () => (await cluster.list(kinds.Secret, ofWeb)).length === 1);
    await until(async () => (await cluster.list(kinds.ConfigMap, ofWeb)).length === 1);
    assert.equal(await get(await instanceOf(deployer, second, 'web'), '/'), 'changed');
    const info = await cluster.get(kinds.ConfigMap, 'release-info', namespace);
    assert.deepEqual(Object.keys(info?.data ?? {}).toSorted(), ['build-date', 'build-number', 'git-sha', 'version']);
    const account = await cluster.get(kinds.ServiceAccount, 'eve-app', namespace);
    assert.equal(account?.automountServiceAccountToken, false);
  });

  inNamespace('agrees with kubectl rollout about history, status and undo', async ({ deployer, cluster }, place) => {
    const web = (VERSION: string) => ({ name: 'web', variables: { VERSION } });
    const named = (target: DeployTarget, tag: string) => ({ ...target, release: { ...target.release, tag } });
    const [first, second] = [named(place.target(web('one')), 'v1.0.0'), named(place.target(web('two')), 'v2.0.0')];
    await rolled(deployer, first);
    await rolled(deployer, second);
    const onWeb = (...args: string[]) => kubectl(['-n', place.place, 'rollout', ...args, 'deployment/web']);

    const history = await onWeb('history');
    const status = await onWeb('status');
    await onWeb('undo');
    await onWeb('status');

    assert.match(history, /release v1\.0\.0, revision 1, deploy dep_.*\n.*release v2\.0\.0, revision 2, deploy dep_/);
    assert.match(status, /successfully rolled out/);
    const hashes = async () => (await deployer.observe(place.environmentId)).map(({ hash }) => hash);
    await until(async () => (await hashes()).length === 1);
    assert.deepEqual(await hashes(), [first.services[0]?.hash]);
    const [change] = await deployer.plan(second);
    assert.equal(change?.kind, 'start');
    await rolled(deployer, second);
    assert.deepEqual(await hashes(), [second.services[0]?.hash]);
    const sets = await cluster.list(kinds.ReplicaSet, { namespace: place.place });
    assert.equal(sets.length, 2, 'going back and forth makes no templates anew');
    const there = await cluster.get(kinds.Deployment, 'web', place.place);
    assert.match(there?.metadata.annotations?.[annotation.changeCause] ?? '', /^release v2\.0\.0, /);
  });

  inNamespace(
    'has as few as one instance less, and the one that was named goes',
    async ({ deployer, cluster }, place) => {
      const target = place.target({ name: 'web', more: { replicas: 3 } });
      await applied(deployer, target);
      await served(deployer, target);
      const [, gone] = await deployer.observe(place.environmentId);
      assert.ok(gone);
      const budget = await cluster.get(kinds.PodDisruptionBudget, 'web', place.place);

      await deployer.remove([gone], never);

      const left = await deployer.observe(place.environmentId);
      assert.equal(left.length, 2);
      assert.ok(left.every(({ name }) => name !== gone.name));
      assert.equal(budget?.spec.maxUnavailable, 1);
      const again = await applied(deployer, target);
      assert.equal(again.filter(({ type }) => type === 'started').length, 1);
    },
  );

  inNamespace('leaves the number of instances to an autoscaler', async ({ deployer, cluster }, place) => {
    const autoscale = { min: 1, max: 4, cpuPercent: 60, memoryPercent: null };
    const more = {
      autoscale,
      resources: { memoryBytes: null, cpus: 0.05 },
      update: { ...defaultUpdate, parallelism: 0 },
    };
    const web = (VERSION: string) => ({ name: 'web', variables: { VERSION }, more });
    const target = place.target(web('one'));
    await applied(deployer, target);
    await served(deployer, target);
    const scaler = await cluster.get(kinds.HorizontalPodAutoscaler, 'web', place.place);

    await kubectl(['-n', place.place, 'scale', 'deployment/web', '--replicas=2']);
    await until(
      async () => (await deployer.observe(place.environmentId)).filter((it) => it.state === 'running').length === 2,
    );
    await rolled(deployer, target);
    await rolled(deployer, place.target(web('two')));

    assert.deepEqual(scaler?.spec.scaleTargetRef, { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' });
    assert.deepEqual([scaler?.spec.minReplicas, scaler?.spec.maxReplicas], [1, 4]);
    const there = await cluster.get(kinds.Deployment, 'web', place.place);
    assert.equal(there?.spec.replicas, 2);
  });

  inNamespace('takes back the image that somebody has set by hand', async ({ deployer, cluster }, place) => {
    const target = place.target({ name: 'web' });
    await applied(deployer, target);
    await served(deployer, target);
    const made = await cluster.get(kinds.Deployment, 'web', place.place);
    const [image] = made?.spec.template.spec.containers.map((each) => each.image) ?? [];
    await kubectl(['-n', place.place, 'set', 'image', 'deployment/web', 'app=registry.invalid/other:1']);

    await rolled(deployer, { ...target, deployId: place.target({ name: 'web' }).deployId });
    await rolled(deployer, place.target({ name: 'web', variables: { VERSION: 'two' } }));

    const there = await cluster.get(kinds.Deployment, 'web', place.place);
    assert.deepEqual(
      there?.spec.template.spec.containers.map((each) => each.image),
      [image],
    );
    const running = await deployer.observe(place.environmentId);
    assert.deepEqual(
      running.map(({ state, named }) => [state, named]),
      [['running', true]],
    );
  });

  inNamespace('tells in which environment something has changed', async ({ deployer, cluster }, place) => {
    const target = place.target({ name: 'web' });
    await applied(deployer, target);
    const web = await instanceOf(deployer, target, 'web');
    const stop = new AbortController();
    const told: string[] = [];
    const listening = (async () => {
      for await (const environment of deployer.changes?.(stop.signal) ?? []) told.push(environment);
    })();
    const own = () => told.filter((environment) => environment === place.environmentId).length;
    await until(async () => own() > 0);
    const before = own();

    await cluster.remove(kinds.Pod, { name: web.name, namespace: place.place });
    await until(async () => own() > before);
    stop.abort();
    await listening;

    assert.ok(told.every((environment) => environment.startsWith('env_')));
  });

  inNamespace(
    'keeps volumes until they are asked for, and finds what nobody knows',
    async ({ deployer, cluster }, place) => {
      const more = { volumes: [{ name: 'data', path: '/data', readOnly: false }] };
      const target = place.target({ name: 'db', more, variables: { DATA: '/data' } });
      await applied(deployer, target);

      await deployer.removeEnvironment(place.environmentId, { volumes: false }, never);
      const claims = await cluster.list(kinds.PersistentVolumeClaim, { namespace: place.place });
      const left = await cluster.list(kinds.Pod, { namespace: place.place });
      const known = await deployer.strays([place.environmentId]);
      const [stray] = await deployer.strays([]);
      assert.ok(stray);
      await deployer.removeStray({ ...stray, environmentId: 'env_other' }, never);
      const still = await cluster.get(kinds.Namespace, place.place);
      await deployer.removeStray(stray, never);

      assert.deepEqual([claims.length, left.length, known.length], [1, 0, 0]);
      assert.deepEqual([stray.kind, stray.name, stray.environmentId], ['namespace', place.place, place.environmentId]);
      assert.ok(still);
      assert.equal(await cluster.get(kinds.Namespace, place.place), null);
    },
  );
});
