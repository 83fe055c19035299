import assert from 'node:assert/strict';
import { type Cluster, kinds, type Pod, type ResourceQuota } from '@eve/adapter-kubernetes';
import { lease } from '../../../../operations/testing/builder-workbench.ts';
import { describeInCluster } from '../../testing/cluster-bench.ts';
import { buildJob } from './job.ts';
import { kanikoPod } from './kaniko.ts';
import { samplePlan } from './usable.ts';

describeInCluster('a build that the cluster does not let run', (bench) => {
  const { test, planOf, failureOf } = bench;

  /** Holds for the namespace until disposed. */
  async function quota(cluster: Cluster, namespace: string, hard: Record<string, string>): Promise<AsyncDisposable> {
    const place = { name: 'small', namespace };
    const spec: ResourceQuota['spec'] = { hard };
    await cluster.apply(kinds.ResourceQuota, { apiVersion: 'v1', kind: 'ResourceQuota', metadata: place, spec });
    return {
      async [Symbol.asyncDispose]() {
        await cluster.remove(kinds.ResourceQuota, place);
      },
    };
  }

  test('fails for want of a node after the time that nodes may take', async () => {
    const builder = bench.builder({
      nodeSelector: { 'kubernetes.io/hostname': 'nowhere' },
      placeSeconds: 2,
      version: '0.33',
    });

    const failure = await failureOf(builder, await planOf('true'));

    assert.deepEqual([failure?.code, failure?.retryClass], ['resource_error', 'temporary_resource']);
    assert.match(failure?.message ?? '', /No node has a place.*node selector|No node has a place.*affinity/);
  });

  test('fails when its image cannot be pulled, and says what the registry said', async () => {
    const image = `${bench.place.test.registry}/eve/no-such-builder:v0.33.1`;
    const began = performance.now();

    const failure = await failureOf(bench.builder({ image }), await planOf('true'));

    assert.equal(failure?.code, 'infrastructure_error');
    assert.match(failure.message, /image cannot be pulled.*no-such-builder/);
    assert.ok(performance.now() - began < 60_000);
  });

  test('fails when the namespace is full, and says that waiting helps', async () => {
    const { cluster, options } = bench.place;
    const builder = bench.builder();
    await builder.capabilities();
    await using _full = await quota(cluster, options.namespace, { pods: '0' });

    const failure = await failureOf(builder, await planOf('true'));

    assert.deepEqual([failure?.code, failure?.retryClass], ['resource_error', 'temporary_resource']);
    assert.match(failure?.message ?? '', /exceeded quota: small/);
  });

  test('is not begun where the namespace allows less than the builder needs', async () => {
    const { cluster, options } = bench.place;
    const namespace = `${options.namespace}-strict`;
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
    await cluster.create(kinds.Namespace, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace, labels },
    });

    try {
      await assert.rejects(bench.builder({ namespace }).capabilities(), {
        code: 'engine_unavailable',
        message: /violates PodSecurity "restricted/,
      });
    } finally {
      await cluster.remove(kinds.Namespace, { name: namespace }, { propagation: 'Background' });
    }
  });

  test('times out after the longest time of any build', async () => {
    const plan = await planOf(`echo ${Date.now()}; sleep 100`);

    const failure = await failureOf(bench.builder({ longestSeconds: 12 }), plan);

    assert.equal(failure?.code, 'timeout_error');
  });

  test('says that the builder was lost when somebody takes its pod away', async () => {
    const { cluster, options } = bench.place;
    const builder = bench.builder();
    const plan = await planOf(`echo ${Date.now()}; sleep 60`);
    await builder.ensure(plan, lease);
    const events = [];

    for await (const event of builder.follow(plan.name, null, AbortSignal.timeout(100_000))) {
      events.push(event);
      if (event.type !== 'log') continue;
      const [pod] = await cluster.list(kinds.Pod, { namespace: options.namespace });
      await cluster.remove(
        kinds.Pod,
        { name: pod?.metadata.name ?? '', namespace: options.namespace },
        { graceSeconds: 1 },
      );
    }
    await builder.stop(plan.name);

    const last = events.at(-1);
    assert.ok(last?.type === 'failed' && last.failure.code === 'infrastructure_error', JSON.stringify(last));
    assert.equal(last.failure.retryHelps, true);
  });

  test('may be privileged where the operator says so, and the namespace then allows it', async () => {
    const namespace = `${bench.place.options.namespace}-root`;
    const builder = bench.builder({ privileged: true, namespace });
    try {
      assert.equal(await failureOf(builder, await planOf(`echo ${Date.now()}`)), null);
      const found = await bench.place.cluster.get(kinds.Namespace, namespace);
      assert.equal(found?.metadata.labels?.['pod-security.kubernetes.io/enforce'], 'privileged');
    } finally {
      await bench.place.cluster.remove(kinds.Namespace, { name: namespace }, { propagation: 'Background' });
    }
  });

  test('with kaniko is one that the API server takes, in a namespace that allows little', async () => {
    const { cluster, options } = bench.place;
    await bench.builder().capabilities();
    const own = { ...options, image: 'example.test/executor:v1.25.5-debug' };
    const job = buildJob(own, 'kaniko', samplePlan, kanikoPod(samplePlan, own));
    const metadata = { name: 'kaniko-check', namespace: options.namespace };
    const pod: Pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec: job.spec.template.spec };

    await cluster.apply(kinds.Job, job, { dryRun: true });
    await cluster.apply(kinds.Pod, pod, { dryRun: true });
  });
});
