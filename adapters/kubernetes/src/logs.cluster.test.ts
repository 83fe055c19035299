import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ApiBetween,
  apiBetween,
  type OwnNamespace,
  ownNamespace,
  podOnce,
  runningPod,
  testCluster,
  testPod,
} from '../testing/index.ts';
import {
  type Cluster,
  type ClusterLine,
  containerStatus,
  kinds,
  kubernetesCluster,
  type LogSelection,
} from './index.ts';

const found = await testCluster();

describe('logs of a Kubernetes cluster', { skip: 'missing' in found && found.missing }, () => {
  let cluster: Cluster;
  let own: OwnNamespace;
  let image: string;
  let between: ApiBetween;
  /** Through `between`. */
  let reading: Cluster;
  before(async () => {
    if ('missing' in found) return;
    ({ cluster, baseImage: image } = found);
    own = await ownNamespace(cluster);
    between = await apiBetween(found.kubeconfig);
    reading = await kubernetesCluster({ kubeconfig: between.kubeconfig, patienceMs: 10_000 });
  });
  after(async () => {
    await own[Symbol.asyncDispose]();
    await between[Symbol.asyncDispose]();
  });
  const at = (name: string) => ({ namespace: own.name, name });
  const shell = (script: string) => ({ image, command: ['sh', '-c', script] });
  const never = new AbortController().signal;
  async function linesOf(name: string, wanted: LogSelection = {}, signal = AbortSignal.timeout(60_000)) {
    const place = { namespace: own.name, pod: name, container: name };
    const lines: ClusterLine[] = [];
    for await (const line of reading.logs(place, wanted, signal)) lines.push(line);
    return lines;
  }
  const texts = (lines: readonly ClusterLine[]) => lines.map(({ text }) => text);
  const numbers = (count: number) => Array.from({ length: count }, (_, it) => `line ${it + 1}`);

  it('reads whole lines with their times, all or from a moment, or the last', async () => {
    await cluster.create(
      kinds.Pod,
      testPod(
        at('plain'),
        shell('for n in 1 2 3; do echo line $n; sleep 0.4; done; echo "line 4 " >&2; printf "line 5"'),
      ),
    );
    await podOnce(cluster, at('plain'), ({ status }) => status?.phase === 'Succeeded');

    const all = await linesOf('plain');
    const [, second, third] = all;
    assert.ok(second && third);

    assert.deepEqual(texts(all), ['line 1', 'line 2', 'line 3', 'line 4 ', 'line 5']);
    assert.ok(Math.abs(second.at.getTime() - Date.now()) < 60_000, second.at.toISOString());
    assert.match(second.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
    assert.equal(new Date(second.time.replace(/\d{6}Z$/, 'Z')).getTime(), second.at.getTime());
    assert.deepEqual(texts(await linesOf('plain', { tail: 2 })), ['line 4 ', 'line 5']);
    assert.deepEqual(texts(await linesOf('plain', { since: third.at })), ['line 3', 'line 4 ', 'line 5']);
    assert.deepEqual(texts(await linesOf('plain', { after: second.time })), ['line 3', 'line 4 ', 'line 5']);
    assert.deepEqual(texts(await linesOf('plain', { since: new Date(Date.now() + 1_000) })), []);
  });

  it('follows from before the container starts until it ends', async () => {
    await cluster.create(
      kinds.Pod,
      testPod(at('follow'), shell('for n in $(seq 6); do echo line $n; sleep 0.2; done')),
    );

    assert.deepEqual(texts(await linesOf('follow', { follow: true })), numbers(6));
  });

  it('follows across broken connections, each line once', async () => {
    await cluster.create(
      kinds.Pod,
      testPod(at('cut'), shell('for n in $(seq 400); do echo line $n; sleep 0.01; done')),
    );
    const following = linesOf('cut', { follow: true });
    await podOnce(cluster, at('cut'), ({ status }) => status?.phase === 'Running');

    for (let times = 0; times < 5; times++) {
      await sleep(400);
      between.cut();
    }
    between.setAway(true);
    await sleep(1_000);
    between.setAway(false);

    assert.deepEqual(texts(await following), numbers(400));
  });

  it('tells the rest of a run that ended while nobody could look, and nothing of the next', async () => {
    const script =
      'if test -e /keep/ran; then echo again; sleep 60; fi; touch /keep/ran; for n in 1 2 3 4; do echo line $n; sleep 0.5; done; exit 3';
    await runningPod(
      cluster,
      at('again'),
      { ...shell(script), volumeMounts: [{ name: 'keep', mountPath: '/keep' }] },
      { restartPolicy: 'Always', volumes: [{ name: 'keep', emptyDir: {} }] },
    );
    const told: string[] = [];
    const following = (async () => {
      const place = { namespace: own.name, pod: 'again', container: 'again' };
      for await (const { text } of reading.logs(place, { follow: true }, never)) told.push(text);
    })();
    while (told.length === 0) await sleep(20);
    between.setAway(true);
    await podOnce(cluster, at('again'), (pod) => {
      const status = containerStatus(pod, 'again');
      return status?.restartCount === 1 && status.state?.running !== undefined;
    });
    between.setAway(false);
    await following;

    assert.deepEqual(told, numbers(4));
    assert.deepEqual(texts(await linesOf('again', { previous: true })), numbers(4));
    assert.deepEqual(texts(await linesOf('again')), ['again']);
  });

  it('bounds a line that does not end', async () => {
    await cluster.create(
      kinds.Pod,
      testPod(at('huge'), shell('echo before; head -c 3000000 /dev/zero | tr "\\0" x; echo; echo behind')),
    );
    await podOnce(cluster, at('huge'), ({ status }) => status?.phase === 'Succeeded');

    const lines = texts(await linesOf('huge'));

    assert.equal(lines[0], 'before');
    assert.equal(lines.at(-1), 'behind');
    assert.equal(lines.slice(1, -1).join(''), 'x'.repeat(3_000_000));
    assert.ok(lines.every((line) => line.length <= 1_048_576));
  });

  it('has nothing of what is not there or has not begun', async () => {
    await cluster.create(kinds.Pod, testPod(at('waiting'), { image: `${image}-missing` }));
    await cluster.create(kinds.Pod, testPod(at('nowhere'), shell('true'), { nodeSelector: { none: 'such' } }));
    await podOnce(cluster, at('waiting'), ({ status }) => status?.containerStatuses?.[0]?.state?.waiting !== undefined);

    assert.deepEqual(await linesOf('missing'), []);
    assert.deepEqual(await linesOf('missing', { follow: true }), []);
    assert.deepEqual(await linesOf('waiting'), []);
    assert.deepEqual(await linesOf('waiting', { previous: true }), []);
    assert.deepEqual(await linesOf('nowhere'), []);
    await assert.rejects(linesOf('nowhere', { follow: true }, AbortSignal.timeout(300)), { name: 'TimeoutError' });
  });

  it('ends when the pod is deleted or the reader has enough', async () => {
    const script = 'trap "echo bye; exit 0" TERM; echo ready; while true; do sleep 0.1; done';
    await runningPod(cluster, at('deleted'), shell(script), { terminationGracePeriodSeconds: 10 });
    const enough = new AbortController();
    const following = linesOf('deleted', { follow: true });
    const stopped = linesOf('deleted', { follow: true }, enough.signal);
    await sleep(500);

    enough.abort(new Error('enough'));
    await assert.rejects(stopped, /enough/);
    await cluster.remove(kinds.Pod, at('deleted'));

    assert.deepEqual(texts(await following), ['ready', 'bye']);
  });
});
