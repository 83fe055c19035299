import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { kinds } from '@eve/adapter-kubernetes';
import { ownNamespace, podOnce, runningPod, testCluster } from '@eve/adapter-kubernetes/testing';
import { ownCluster } from './own-cluster.ts';

const tested = await testCluster();
const servers = await ownCluster();
const missing = 'missing' in tested ? tested.missing : 'missing' in servers ? servers.missing : null;

describe('the client of Kubernetes', { skip: missing ?? false, timeout: 240_000 }, () => {
  after(async () => {
    if ('missing' in servers) return;
    for (const server of ['kube-apiserver', 'kubelet'] as const) await servers.start(server);
  });
  const counting = ['sh', '-c', 'for n in $(seq 300); do echo line $n; sleep 0.1; done'];
  const counted = Array.from({ length: 300 }, (_, it) => `line ${it + 1}`);

  it('watches and follows across a killed API server', async () => {
    if ('missing' in tested || 'missing' in servers) return;
    const { cluster, baseImage: image } = tested;
    await using own = await ownNamespace(cluster);
    const place = { namespace: own.name, name: 'box' };
    await runningPod(cluster, place, { image, command: counting });
    const stop = new AbortController();
    const told: string[] = [];
    const watching = (async () => {
      for await (const { type, object } of cluster.watch(kinds.Secret, { namespace: own.name }, stop.signal))
        told.push(`${type} ${object.metadata.name}`);
    })();
    const lines: string[] = [];
    const following = (async () => {
      const where = { namespace: own.name, pod: 'box', container: 'box' };
      for await (const { text } of cluster.logs(where, { follow: true }, stop.signal)) lines.push(text);
    })();
    const make = (name: string) =>
      cluster.create(kinds.Secret, { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: own.name } });
    await make('before');

    for (const name of ['first', 'second']) {
      await servers.kill('kube-apiserver');
      await assert.rejects(cluster.list(kinds.Secret, {}), { code: 'cluster_unreachable' });
      await servers.start('kube-apiserver');
      await make(name);
    }
    await following;
    while (told.length < 3) await sleep(50);
    stop.abort(new Error('enough'));
    await assert.rejects(watching, /enough/);

    assert.deepEqual(told, ['added before', 'added first', 'added second']);
    assert.deepEqual(lines, counted);
  });

  it('follows a log across a killed kubelet', async () => {
    if ('missing' in tested || 'missing' in servers) return;
    const { cluster, baseImage: image } = tested;
    await using own = await ownNamespace(cluster);
    const where = { namespace: own.name, pod: 'box', container: 'box' };
    await runningPod(cluster, { namespace: own.name, name: 'box' }, { image, command: counting });
    const read = async (follow: boolean) => {
      const lines: string[] = [];
      for await (const { text } of cluster.logs(where, { follow }, AbortSignal.timeout(120_000))) lines.push(text);
      return lines;
    };
    const following = read(true);
    await sleep(1_000);

    await servers.kill('kubelet');
    await assert.rejects(read(false), { code: 'cluster_unreachable', message: /10250/ });
    await servers.start('kubelet');
    await podOnce(cluster, { namespace: own.name, name: 'box' }, ({ status }) => status?.phase === 'Succeeded');

    assert.deepEqual(await following, counted);
  });
});
