import assert from 'node:assert/strict';
import { after, it } from 'node:test';
import { testCluster } from '@eve/adapter-process/testing';
import type { Cluster } from './cluster.ts';
import { type OwnNamespace, ownNamespace } from './namespaces.ts';
import { ownCluster } from './own-cluster.ts';
import { type Server, servers } from './servers.ts';

/** A test that kills servers, which run again after it. */
function withServers(sentence: string, act: (cluster: Cluster, place: OwnNamespace, image: string) => Promise<void>) {
  it(sentence, { timeout: 120_000 }, async (test) => {
    const tested = await testCluster();
    if ('missing' in tested) return test.skip(tested.missing);
    const cluster = await ownCluster();
    if ('missing' in cluster) return test.skip(cluster.missing);
    await using place = await ownNamespace(tested.kubeconfig);
    return await act(cluster, place, tested.nodeImage);
  });
}

after(async () => {
  const cluster = await ownCluster();
  if ('missing' in cluster) return;
  for (const server of servers) await cluster.start(server);
});

const waiting = ['node', '-e', 'setInterval(() => {}, 1000)'];

for (const server of ['kubelet', 'containerd'] satisfies Server[])
  withServers(
    `pods live on while ${server} is away, and others start once it is back`,
    async (cluster, place, image) => {
      await place.run('before', { image, command: waiting });
      const { status } = await place.pod('before', 'Running');

      await cluster.kill(server);
      await cluster.start(server);
      await place.run('after', { image, command: waiting });
      await place.pod('after', 'Running');

      const still = await place.pod('before', 'Running');
      assert.equal(still.status?.containerStatuses?.[0]?.containerID, status?.containerStatuses?.[0]?.containerID);
      assert.equal(still.status?.containerStatuses?.[0]?.restartCount, 0);
    },
  );

for (const server of ['kube-apiserver', 'etcd'] satisfies Server[])
  withServers(`nothing is answered while ${server} is away, and nothing is lost`, async (cluster, place, image) => {
    await place.run('before', { image, command: waiting });
    await place.pod('before', 'Running');

    await cluster.kill(server);
    await assert.rejects(cluster.kubectl(['get', '--raw', '/readyz']));
    await cluster.start(server);
    await cluster.start('kube-apiserver');

    await place.pod('before', 'Running');
    await place.run('after', { image, command: waiting });
    await place.pod('after', 'Running');
  });
