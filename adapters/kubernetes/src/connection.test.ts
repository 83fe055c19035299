import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSilentServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { kubeconfigOf } from '../testing/api-between.ts';
import { type Cluster, kinds, kubernetesCluster } from './index.ts';

describe('an API server that does not answer', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'eve-connection-'));
  });
  after(() => rm(directory, { recursive: true }));

  async function clusterAt(server: string, user = {}): Promise<Cluster> {
    const kubeconfig = join(directory, 'kubeconfig');
    await writeFile(kubeconfig, kubeconfigOf({ server, 'insecure-skip-tls-verify': true }, user));
    return kubernetesCluster({ kubeconfig, timeoutMs: 300, patienceMs: 500 });
  }
  async function answering(answer: RequestListener): Promise<{ cluster: Cluster } & AsyncDisposable> {
    const server = createServer(answer);
    const cluster = await clusterAt(`http://127.0.0.1:${await portOf(server)}/behind/a/proxy/`, {
      token: 'secret-token',
    });
    return {
      cluster,
      async [Symbol.asyncDispose]() {
        server.closeAllConnections();
        server.close();
      },
    };
  }

  it('is told as unavailable at once when nothing listens', async () => {
    const server = createServer();
    const port = await portOf(server);
    server.close();
    const cluster = await clusterAt(`https://127.0.0.1:${port}`);

    for (const act of everyAct(cluster)) {
      await assert.rejects(act(), {
        code: 'cluster_unreachable',
        kind: 'unavailable',
        message: new RegExp(`^The Kubernetes API server at https://127.0.0.1:${port} did not answer: .*ECONNREFUSED`),
      });
    }
  });

  it('is told as unavailable when nothing comes back', async () => {
    const sockets = new Set<Socket>();
    const server = createSilentServer((socket) => sockets.add(socket));
    const cluster = await clusterAt(`https://127.0.0.1:${await portOf(server)}`);
    const began = performance.now();

    await assert.rejects(cluster.list(kinds.Pod, {}), {
      code: 'cluster_unreachable',
      message: /nothing came within 0.3 s/,
    });

    assert.ok(performance.now() - began < 2_000);
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  it('is told as unavailable when it speaks something else', async () => {
    const server = createSilentServer((socket) => socket.end('SSH-2.0-OpenSSH\r\n'));
    const cluster = await clusterAt(`https://127.0.0.1:${await portOf(server)}`);

    await assert.rejects(cluster.get(kinds.Pod, 'a', 'b'), { code: 'cluster_unreachable' });
    server.close();
  });

  it('is told as unavailable when it breaks off in the middle', async () => {
    await using server = await answering((_, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('{"items": [');
      setTimeout(() => response.destroy(), 20);
    });

    await assert.rejects(server.cluster.list(kinds.Pod, {}), { code: 'cluster_unreachable' });
  });

  it('is waited for as long as it asks when it is asked too much', async () => {
    const asked: string[] = [];
    await using server = await answering((request, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      if (asked.length < 3) response.writeHead(429, { 'retry-after': '0' }).end('{}');
      else response.end('{"metadata": {"name": "a"}}');
    });

    const pod = await server.cluster.get(kinds.Pod, 'a', 'b');

    assert.equal(pod?.metadata.name, 'a');
    assert.deepEqual(asked, Array(3).fill('GET /behind/a/proxy/api/v1/namespaces/b/pods/a Bearer secret-token'));
  });

  it('is asked again with new credentials when it does not take the old ones', async () => {
    let asked = 0;
    await using server = await answering((_, response) => {
      asked++;
      response.writeHead(401).end('{"message": "Unauthorized"}');
    });

    await assert.rejects(server.cluster.get(kinds.Pod, 'a', 'b'), {
      refusal: 'no_rights',
      message: 'Kubernetes refused to read Pod a in namespace b: it does not accept the credentials that Eve has.',
    });

    assert.equal(asked, 2);
  });

  it('may be there while the machine of a pod is not', async () => {
    const running = { containerStatuses: [{ name: 'c', containerID: 'containerd://1', state: { running: {} } }] };
    const said =
      'Get "https://10.0.0.9:10250/containerLogs/b/a/c": dial tcp 10.0.0.9:10250: connect: connection refused';
    await using server = await answering((request, response) => {
      const isLog = request.url?.includes('/log?');
      response
        .writeHead(isLog ? 500 : 200)
        .end(JSON.stringify(isLog ? { message: said } : { metadata: {}, status: running }));
    });
    const place = { namespace: 'b', pod: 'a', container: 'c' };
    const read = async (follow: boolean) => {
      for await (const _ of server.cluster.logs(place, { follow }, AbortSignal.timeout(10_000)));
    };

    for (const follow of [false, true]) {
      await assert.rejects(read(follow), {
        code: 'cluster_unreachable',
        message: /could not read the log of c in pod a in namespace b: .*10250: connect: connection refused/,
      });
    }
  });

  it('is not waited for when nobody wants to know any more', async () => {
    await using server = await answering(() => {});
    const signal = AbortSignal.timeout(50);

    await assert.rejects(
      async () => {
        for await (const _ of server.cluster.watch(kinds.Pod, {}, signal));
      },
      { name: 'TimeoutError' },
    );
  });
});

function everyAct(cluster: Cluster): (() => Promise<unknown>)[] {
  const place = { namespace: 'b', pod: 'a', container: 'c' };
  const metadata = { name: 'a', namespace: 'b' };
  const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata } as const;
  const never = new AbortController().signal;
  const first = <Item>(items: AsyncIterable<Item>) => items[Symbol.asyncIterator]().next();
  return [
    () => cluster.get(kinds.ConfigMap, 'a', 'b'),
    () => cluster.list(kinds.ConfigMap, {}),
    () => cluster.create(kinds.ConfigMap, map),
    () => cluster.apply(kinds.ConfigMap, map),
    () => cluster.patch(kinds.ConfigMap, metadata, {}),
    () => cluster.remove(kinds.ConfigMap, metadata),
    () => cluster.may('get', { group: '', plural: 'pods' }),
    () => cluster.exec(place, ['true'], {}, never),
    () => first(cluster.watch(kinds.Pod, {}, never)),
    () => first(cluster.logs(place, {}, never)),
    () => first(cluster.logs(place, { follow: true }, never)),
  ];
}

async function portOf(server: Server | ReturnType<typeof createSilentServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}
