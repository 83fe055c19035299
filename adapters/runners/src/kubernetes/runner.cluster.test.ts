import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';
import { kinds, objectName } from '@eve/adapter-kubernetes';
import { ownNamespace, testCluster } from '@eve/adapter-kubernetes/testing';
import type { RunnerEvent, RunnerPlan } from '@eve/operations';
import { testRunner } from '../../../../operations/testing/runner-contract.ts';
import { kubernetesRunner } from './runner.ts';

const never = new AbortController().signal;
const lease = { workId: 'work_01k00000000000000000000000', fence: 2 } as const;
const installation = `test-runner-${randomBytes(4).toString('hex')}`;

testRunner('kubernetes', async () => {
  const opened = await testCluster();
  if ('missing' in opened) return opened;
  const { cluster, nodeImage } = opened;
  const namespace = await ownNamespace(cluster, { 'pod-security.kubernetes.io/enforce': 'baseline' });
  return {
    runner: kubernetesRunner({ cluster, installation, namespace: namespace.name }),
    image: nodeImage,
    joinsStreams: true,
    [Symbol.asyncDispose]: () => namespace[Symbol.asyncDispose](),
  };
});

function planOf(image: string, more: Partial<RunnerPlan>): RunnerPlan {
  const name = `evetest-run-${randomBytes(4).toString('hex')}`;
  const limits = { memoryBytes: null, cpus: null };
  return { name, image, command: ['node', '-e', ''], environment: {}, place: null, login: null, limits, ...more };
}

async function printed(events: AsyncIterable<RunnerEvent>): Promise<string[]> {
  const lines: string[] = [];
  for await (const event of events) lines.push(event.type === 'log' ? event.text : `exited ${event.code}`);
  return lines;
}

it('a run makes its environment’s namespace, keeps its variables out of the Job, and takes all along when it is stopped', async (test) => {
  const opened = await testCluster();
  if ('missing' in opened) return test.skip(opened.missing);
  const { cluster, nodeImage } = opened;
  const place = `evetest-${randomBytes(5).toString('hex')}`;
  const runner = kubernetesRunner({ cluster, installation, namespace: 'never-made' });
  const login = { host: 'registry.example.com', username: 'somebody', password: 'letmein' };
  const plan = planOf(nodeImage, {
    ...{ place, environmentId: 'env_01k00000000000000000000000', login },
    environment: { KEY: 'a-secret-value' },
    command: ['node', '-e', 'console.log("$(KEY) " + process.env.KEY)'],
  });
  try {
    const lines = await printed(runner.follow(await runner.ensure(plan, lease), null, never));
    const job = await cluster.get(kinds.Job, objectName(plan.name), place);
    const namespace = await cluster.get(kinds.Namespace, place);
    const secrets = await cluster.list(kinds.Secret, { namespace: place });
    const closed = await cluster.get(kinds.NetworkPolicy, 'eve-outside', place);
    await runner.stop(plan.name);
    const left = await cluster.list(kinds.Secret, { namespace: place });

    assert.deepEqual(lines, ['$(KEY) a-secret-value', 'exited 0']);
    assert.ok(!JSON.stringify(job).includes('a-secret-value'));
    assert.equal(namespace?.metadata.labels?.['eve.dev/environment'], plan.environmentId);
    assert.deepEqual(closed?.spec.policyTypes, ['Egress']);
    assert.deepEqual(secrets.map(({ type }) => type).toSorted(), ['Opaque', 'kubernetes.io/dockerconfigjson']);
    assert.deepEqual(left, []);
    assert.deepEqual(await cluster.list(kinds.Pod, { namespace: place }), []);
  } finally {
    await cluster.remove(kinds.Namespace, { name: place });
  }
});

it('a run does not begin in a namespace that is not its environment’s', async (test) => {
  const opened = await testCluster();
  if ('missing' in opened) return test.skip(opened.missing);
  const { cluster, nodeImage } = opened;
  await using namespace = await ownNamespace(cluster, { 'eve.dev/environment': 'env_01k00000000000000000000001' });
  const runner = kubernetesRunner({ cluster, installation, namespace: 'never-made' });
  const plan = planOf(nodeImage, { place: namespace.name, environmentId: 'env_01k00000000000000000000000' });

  await assert.rejects(runner.ensure(plan, lease), { code: 'cluster_refused', message: /does not belong to/ });
  assert.deepEqual(await cluster.list(kinds.Job, { namespace: namespace.name }), []);
});

it('a run that the cluster does not take says why', async (test) => {
  const opened = await testCluster();
  if ('missing' in opened) return test.skip(opened.missing);
  const { cluster, nodeImage, registry } = opened;
  await using namespace = await ownNamespace(cluster);
  const runner = kubernetesRunner({ cluster, installation, namespace: namespace.name });
  const missing = planOf(`${registry}/nothing/here@sha256:${'0'.repeat(64)}`, {});
  const big = planOf(nodeImage, { limits: { memoryBytes: null, cpus: 100 } });
  const named = planOf(nodeImage, { user: 'postgres' });
  const metadata = { name: 'none', namespace: namespace.name };
  const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata, spec: { hard: { pods: '0' } } } as const;

  const begun = performance.now();
  await assert.rejects(runner.ensure(missing, lease), { code: 'image_unknown', message: /here@sha256.*not found/ });
  console.log(`missing image: ${Math.round(performance.now() - begun)} ms`);
  await assert.rejects(runner.ensure(named, lease), { code: 'engine_capability_missing', message: /postgres/ });
  await assert.rejects(runner.ensure(big, lease), { code: 'engine_unavailable', message: /Insufficient cpu/ });
  await runner.stop(big.name);
  await cluster.create(kinds.ResourceQuota, quota);
  const refused = runner.ensure(planOf(nodeImage, {}), lease);

  await assert.rejects(refused, { code: 'cluster_refused', message: /exceeded quota: none/ });
  assert.deepEqual(await cluster.list(kinds.Job, { namespace: namespace.name }), []);
});

it('of several workers that ask at once one run comes', async (test) => {
  const opened = await testCluster();
  if ('missing' in opened) return test.skip(opened.missing);
  const { cluster, nodeImage } = opened;
  await using namespace = await ownNamespace(cluster);
  const runner = kubernetesRunner({ cluster, installation, namespace: namespace.name });
  const plan = planOf(nodeImage, { command: ['node', '-e', 'console.log(process.hrtime.bigint())'] });

  await Promise.all(Array.from({ length: 5 }, () => runner.ensure(plan, lease)));
  const pods = await cluster.list(kinds.Pod, { namespace: namespace.name });
  const [first] = await printed(runner.follow(plan.name, null, never));
  const [again] = await printed(runner.follow(plan.name, null, never));
  await runner.stop(plan.name);

  assert.equal(pods.length, 1);
  assert.equal(first, again);
});
