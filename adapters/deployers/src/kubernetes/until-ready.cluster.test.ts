import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { annotation, type Cluster, type Container, kinds, label, type PodSpec } from '@eve/adapter-kubernetes';
import { type OwnNamespace, ownNamespace, type TestCluster, testCluster } from '@eve/adapter-kubernetes/testing';
import { DeployFailed, type DeployFailure } from '@eve/domain';
import type { DeployerEvent, ServiceTarget } from '@eve/operations';
import { contractPlace, httpHealth, type ServiceSketch } from '../../../../operations/testing/deployer-target.ts';
import { mainContainer, mainStatus } from './instance.ts';
import { untilReady } from './until-ready.ts';

const never = new AbortController().signal;
const program = (text: string) => ({ command: ['node', '-e', text] });
const idle = program('setInterval(() => {}, 1000)');
const probes = { live: null, startup: null, ready: { ...httpHealth, retries: 1, intervalMs: 1_000, timeoutMs: 1_000 } };

interface Case {
  readonly name: string;
  readonly container: Partial<Container>;
  /** Instead of one with Node; of a registry that is there. */
  readonly image?: (registry: string) => string;
  readonly spec?: Partial<PodSpec>;
  readonly more?: ServiceSketch['more'];
  readonly replicas?: number;
  /** The kubelet looks once a minute at what volumes hold: what counts is how soon its word is heard. */
  readonly sinceEnd?: boolean;
}

describe('how pods come up', { timeout: 110_000, concurrency: 4 }, () => {
  let opened: TestCluster | { readonly missing: string } = { missing: 'it was not opened' };
  let own: OwnNamespace | null = null;
  before(async () => {
    opened = await testCluster();
    if (!('missing' in opened))
      own = await ownNamespace(opened.cluster, { 'pod-security.kubernetes.io/enforce': 'baseline' });
  });
  after(async () => {
    await own?.[Symbol.asyncDispose]();
  });

  /** What a Deployment's pods come to, and after how many milliseconds. */
  async function cameTo({ cluster, registry, nodeImage }: TestCluster, namespace: string, wish: Case) {
    const { name, more = {}, replicas = 1 } = wish;
    const image = { image: wish.image?.(registry) ?? nodeImage, local: false, digests: [], login: null };
    const target = contractPlace(image).target({ name, more: { ...more, replicas } });
    const [wanted] = target.services;
    assert.ok(wanted);
    await cluster.apply(kinds.Deployment, deployment(namespace, wish, wanted, target.deployId));
    const begun = performance.now();
    const events: DeployerEvent[] = [];
    let failure: DeployFailure | null = null;
    try {
      const settings = { cluster, minimumDeadlineMs: 3_000, now: () => new Date() };
      const awaited = { namespace, deployment: name, wanted, replicas, deployId: target.deployId };
      for await (const event of untilReady(settings, awaited, never)) events.push(event);
    } catch (error) {
      if (!(error instanceof DeployFailed)) throw error;
      ({ failure } = error);
    }
    const wholeMs = Math.round(performance.now() - begun);
    const ms = wish.sinceEnd ? Date.now() - (await endOf(cluster, namespace, name)) : wholeMs;
    await cluster.remove(kinds.Deployment, { name, namespace });
    return { events, failure, ms };
  }

  const comesTo = (
    sentence: string,
    code: DeployFailure['code'],
    message: RegExp,
    within: number,
    wish: Case,
    check: (failure: DeployFailure) => void = () => undefined,
  ) =>
    it(sentence, async (test) => {
      if ('missing' in opened || !own) return test.skip('missing' in opened ? opened.missing : '');
      const { failure, ms } = await cameTo(opened, own.name, wish);
      console.log(`${wish.name}: ${code} after ${(ms / 1000).toFixed(1)} s: ${failure?.message}`);
      assert.equal(failure?.code, code, JSON.stringify(failure));
      assert.match(failure.message, message);
      assert.equal(failure.service, wish.name);
      check(failure);
      assert.ok(ms < within, `${ms} ms`);
    });

  comesTo('an image that nobody has', 'image_pull_error', /could not be pulled: .*not found/, 10_000, {
    name: 'pull',
    image: (registry) => `${registry}/nothing/here@sha256:${'0'.repeat(64)}`,
    container: {},
  });
  comesTo('a name that is none', 'image_pull_error', /must be lowercase/, 10_000, {
    name: 'name',
    image: () => 'Bad::Image',
    container: {},
  });
  comesTo(
    'a program that exits again and again',
    'container_exited',
    /^crash exited with 3 and was restarted \d times before it was healthy\.$/,
    15_000,
    { name: 'crash', container: program('console.log("going down"); process.exitCode = 3') },
    ({ logs }) => assert.ok(logs.includes('going down'), logs.join()),
  );
  comesTo('a program that is not there', 'container_exited', /exec: "\/no\/such\/program"/, 10_000, {
    name: 'start',
    container: { command: ['/no/such/program'] },
  });
  comesTo('a Secret that is not there', 'secret_missing', /secret "missing" not found/, 10_000, {
    name: 'config',
    container: { ...idle, envFrom: [{ secretRef: { name: 'missing' } }] },
  });
  comesTo('no machine with room', 'unschedulable', /Insufficient cpu/, 15_000, {
    name: 'room',
    container: { ...idle, resources: { requests: { cpu: '100' } } },
  });
  comesTo('what Pod Security does not let in', 'admission_refused', /violates PodSecurity "baseline/, 10_000, {
    name: 'rule',
    container: { ...idle, securityContext: { privileged: true } },
  });
  comesTo('memory that runs out', 'resource_error', /\(out of memory\)/, 15_000, {
    name: 'memory',
    container: {
      ...program('const held = []; for (;;) held.push(Buffer.alloc(8 << 20, 1))'),
      resources: { limits: { memory: '64Mi' } },
    },
  });
  comesTo('disk that runs out', 'resource_error', /evicted disk: .*exceeds the limit/, 10_000, {
    name: 'disk',
    container: {
      ...program('require("fs").writeFileSync("/cache/x", Buffer.alloc(40 << 20, 1)); setInterval(() => {}, 1000)'),
      volumeMounts: [{ name: 'cache', mountPath: '/cache' }],
      readinessProbe: { httpGet: { path: '/health', port: 3000 }, periodSeconds: 1 },
    },
    spec: { volumes: [{ name: 'cache', emptyDir: { sizeLimit: '10Mi' } }] },
    more: { probes: { ...probes, ready: { ...probes.ready, startPeriodMs: 100_000 } } },
    sinceEnd: true,
  });
  comesTo(
    'a probe that says no until its time is over',
    'health_check_failed',
    /^unready was not healthy within [345] s: GET \/health: 503\.$/,
    10_000,
    {
      name: 'unready',
      container: {
        ...program(
          'console.log("up"); require("http").createServer((q, r) => { r.statusCode = 503; r.end() }).listen(3000)',
        ),
        startupProbe: { httpGet: { path: '/health', port: 3000 }, periodSeconds: 1, failureThreshold: 120 },
      },
      more: { probes },
    },
    ({ probes, logs }) => {
      assert.equal(probes.at(-1)?.detail, 'GET /health: 503');
      assert.deepEqual(logs, ['up']);
    },
  );
  comesTo(
    'a probe by which the kubelet ends it',
    'health_check_failed',
    /^live was not healthy: GET \/live: refused/,
    30_000,
    {
      name: 'live',
      container: {
        ...idle,
        livenessProbe: { httpGet: { path: '/live', port: 3000 }, periodSeconds: 1, failureThreshold: 1 },
        readinessProbe: { httpGet: { path: '/health', port: 3000 }, periodSeconds: 1 },
      },
      more: { probes: { ...probes, ready: { ...probes.ready, startPeriodMs: 60_000 } } },
    },
  );
  comesTo('a volume that nobody makes', 'unschedulable', /persistentvolumeclaim "not-there" not found/, 15_000, {
    name: 'claim',
    container: { ...idle, volumeMounts: [{ name: 'data', mountPath: '/data' }] },
    spec: { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'not-there' } }] },
  });

  it('a quota that is used up', async (test) => {
    if ('missing' in opened) return test.skip(opened.missing);
    const { cluster } = opened;
    await using small = await ownNamespace(cluster);
    const metadata = { name: 'small', namespace: small.name };
    const hard = { pods: '1' };
    await cluster.create(kinds.ResourceQuota, { apiVersion: 'v1', kind: 'ResourceQuota', metadata, spec: { hard } });

    const { failure, ms } = await cameTo(opened, small.name, { name: 'many', container: idle, replicas: 3 });

    console.log(`many: ${failure?.code} after ${(ms / 1000).toFixed(1)} s: ${failure?.message}`);
    assert.equal(failure?.code, 'quota_exceeded');
    assert.match(failure.message, /exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1/);
    assert.ok(ms < 15_000, `${ms} ms`);
  });

  it('tells of each pod that it started, what it was asked, and that it is healthy', async (test) => {
    if ('missing' in opened || !own) return test.skip('missing' in opened ? opened.missing : '');
    const container = {
      ...program('require("http").createServer((q, r) => r.end("ok")).listen(3000)'),
      startupProbe: { httpGet: { path: '/health', port: 3000 }, periodSeconds: 1, failureThreshold: 120 },
      readinessProbe: { httpGet: { path: '/health', port: 3000 }, periodSeconds: 1 },
    };

    const { events, failure, ms } = await cameTo(opened, own.name, { name: 'good', container, replicas: 2 });

    console.log(`good: healthy after ${(ms / 1000).toFixed(1)} s`);
    assert.equal(failure, null);
    const types = events.map(({ type }) => type);
    assert.equal(types.filter((type) => type === 'started').length, 2);
    assert.equal(types.filter((type) => type === 'healthy').length, 2);
    assert.equal(types.at(-1), 'healthy');
    assert.ok(events.some((event) => event.type === 'probed' && event.probe.detail === 'GET /health: ready'));
  });

  it('ends with its signal', async (test) => {
    if ('missing' in opened || !own) return test.skip('missing' in opened ? opened.missing : '');
    const { cluster } = opened;
    const image = { image: opened.nodeImage, local: false, digests: [], login: null };
    const target = contractPlace(image).target({ name: 'stopped' });
    const [wanted] = target.services;
    assert.ok(wanted);
    const container = { ...idle, readinessProbe: { tcpSocket: { port: 1 } } };
    await cluster.apply(kinds.Deployment, deployment(own.name, { name: 'stopped', container }, wanted, ''));
    const settings = { cluster, minimumDeadlineMs: 60_000, now: () => new Date() };
    const awaited = { namespace: own.name, deployment: 'stopped', wanted, replicas: 1, deployId: target.deployId };

    const begun = performance.now();
    const waits = async () => {
      for await (const _ of untilReady(settings, awaited, AbortSignal.timeout(1_500)));
    };
    await assert.rejects(waits(), { name: /^(Timeout|Abort)Error$/ });

    assert.ok(performance.now() - begun < 3_000);
    await cluster.remove(kinds.Deployment, { name: 'stopped', namespace: own.name });
  });
});

/** When the last pod of a Deployment ended that the cluster ended. */
async function endOf(cluster: Cluster, namespace: string, name: string): Promise<number> {
  const pods = await cluster.list(kinds.Pod, { namespace, labels: `${label.service}=${name}` });
  const failed = pods.filter(({ status }) => status?.phase === 'Failed');
  return Math.max(...failed.map((pod) => Date.parse(mainStatus(pod)?.state?.terminated?.finishedAt ?? '')));
}

function deployment(
  namespace: string,
  { name, container, spec, replicas = 1 }: Case,
  { hash, image }: ServiceTarget,
  deployId: string,
) {
  const labels = { [label.managedBy]: 'eve', [label.service]: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, labels },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels, annotations: { [annotation.hash]: hash, [annotation.deploy]: deployId } },
        spec: {
          terminationGracePeriodSeconds: 1,
          automountServiceAccountToken: false,
          containers: [{ name: mainContainer, image, ...container }],
          ...spec,
        },
      },
    },
  } as const;
}
