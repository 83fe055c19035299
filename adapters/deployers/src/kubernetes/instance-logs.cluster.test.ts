import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, kinds, label, type PodSpec } from '@eve/adapter-kubernetes';
import { ownNamespace, podOnce, testCluster } from '@eve/adapter-kubernetes/testing';
import type { RuntimeLine } from '@eve/operations';
import { contractPlace } from '../../../../operations/testing/deployer-target.ts';
import { instanceOf, isReady, mainContainer, mainStatus } from './instance.ts';
import { instanceLogs, lastLines } from './instance-logs.ts';
import { probe } from './probe.ts';

const never = new AbortController().signal;
const installation = `test-logs-${randomBytes(4).toString('hex')}`;

/** Prints, answers, and does what it is asked: `/exit`, `/break`. */
const program = `console.log('starting'); let status = 200;
require('http').createServer((q, r) => {
  if (q.url === '/health') { r.statusCode = status; return r.end(); }
  console.log('asked ' + q.url); r.end('ok');
  if (q.url === '/break') status = 500;
  if (q.url === '/exit') setTimeout(() => process.exit(9), 50);
}).listen(3000, () => console.log('ready'));`;

async function madePod(cluster: Cluster, namespace: string, image: string, name: string) {
  const labels = { [label.managedBy]: 'eve', [label.installation]: installation, [label.service]: 'web' };
  const probes = { httpGet: { path: '/health', port: 3000 }, periodSeconds: 1, failureThreshold: 1 };
  const spec: PodSpec = {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        ...{ name: mainContainer, image, command: ['node', '-e', program] },
        ports: [{ containerPort: 3000 }],
        readinessProbe: probes,
      },
    ],
  };
  await cluster.create(kinds.Pod, { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, labels }, spec });
  return podOnce(cluster, { namespace, name }, isReady);
}

/** Asks from inside the pod itself. */
async function ask(cluster: Cluster, namespace: string, pod: string, path: string): Promise<void> {
  const command = ['node', '-e', 'fetch("http://127.0.0.1:3000" + process.argv[1])', path];
  assert.equal(await cluster.exec({ namespace, pod, container: mainContainer }, command, {}, never), 0);
}

it('an instance’s log goes on over restarts, and its last lines reach back before them', async (test) => {
  const opened = await testCluster();
  if ('missing' in opened) return test.skip(opened.missing);
  const { cluster, nodeImage } = opened;
  await using namespace = await ownNamespace(cluster);
  const settings = { cluster, installation };
  const place = { namespace: namespace.name, name: `web-${randomBytes(3).toString('hex')}` };
  await madePod(cluster, namespace.name, nodeImage, place.name);
  const followed: string[] = [];
  const stop = new AbortController();
  const following = (async () => {
    for await (const { text } of instanceLogs(settings, place.name, { follow: true }, stop.signal)) followed.push(text);
  })();
  const logged = async (options: Parameters<typeof instanceLogs>[2]) => {
    const lines: RuntimeLine[] = [];
    for await (const line of instanceLogs(settings, place.name, options, never)) lines.push(line);
    return lines.map(({ text }) => text);
  };

  await ask(cluster, namespace.name, place.name, '/exit');
  const again = await podOnce(cluster, place, (pod) => (mainStatus(pod)?.restartCount ?? 0) === 1 && isReady(pod));
  await ask(cluster, namespace.name, place.name, '/again');
  for (let tries = 0; followed.at(-1) !== 'asked /again' && tries < 100; tries++) await sleep(100);
  stop.abort();
  await following;

  const whole = ['starting', 'ready', 'asked /exit', 'starting', 'ready', 'asked /again'];
  assert.deepEqual(followed, whole);
  assert.deepEqual(await logged({}), whole);
  assert.deepEqual(await logged({ tail: 4 }), whole.slice(-4));
  assert.deepEqual(await logged({ tail: 2 }), whole.slice(-2));
  assert.deepEqual(await lastLines(cluster, again, 5), whole.slice(-5));
  for await (const line of instanceLogs(settings, 'nobody', { follow: true }, never)) assert.fail(line.text);
});

it('what the kubelet finds of an instance is what its probe says', async (test) => {
  const opened = await testCluster();
  if ('missing' in opened) return test.skip(opened.missing);
  const { cluster, nodeImage } = opened;
  await using namespace = await ownNamespace(cluster);
  const settings = { cluster, installation, now: () => new Date() };
  const [wanted] = contractPlace({ image: nodeImage, local: false, digests: [], login: null }).target({
    name: 'web',
  }).services;
  assert.ok(wanted);
  const place = { namespace: namespace.name, name: `web-${randomBytes(3).toString('hex')}` };
  const pod = await madePod(cluster, namespace.name, nodeImage, place.name);
  const instance = instanceOf(pod, true);
  const said = async (of = instance) =>
    (await probe(settings, wanted, of, never)).map(({ ok, detail }) => [ok, detail]);

  const well = await said();
  await ask(cluster, namespace.name, place.name, '/break');
  await podOnce(cluster, place, (each) => !isReady(each));
  const broken = await said();
  await ask(cluster, namespace.name, place.name, '/exit');
  await podOnce(cluster, place, (each) => (mainStatus(each)?.restartCount ?? 0) === 1 && isReady(each));
  const restarted = await said();

  assert.deepEqual(well, [[true, 'GET /health: ready']]);
  assert.deepEqual(broken, [[false, 'GET /health: 500']]);
  assert.deepEqual(restarted, [[false, 'exited and was restarted, 1 times']]);
  assert.deepEqual(await said({ ...instance, name: 'nobody' }), [[false, 'it was removed']]);
});
