import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packProgram } from './images.ts';
import { dnsRights } from './network-settings.ts';
import { addressOf, type ClusterPlace, kubeconfigOf, nodeName, pauseImage, registryOf } from './place.ts';
import { prepareCluster } from './prepare-cluster.ts';
import { removeCluster } from './remove-cluster.ts';
import { untilReady } from './server-readiness.ts';
import {
  allowPlainRegistry,
  ctr,
  killServer,
  kubectl,
  publishImages,
  type Server,
  servers,
  startServer,
} from './servers.ts';
import { storage } from './settings.ts';

export interface ClusterOptions extends ClusterPlace {
  /** The directory with `kube`, all of Kubernetes in one program, and `pause`. */
  readonly programs: string;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** A Kubernetes cluster of one node on this machine, with a registry. Disposing ends it and leaves no trace. */
export interface Cluster extends AsyncDisposable {
  readonly kubeconfig: string;
  /** The machine's address as pods reach it. */
  readonly address: string;
  /** Host and port of the registry, over plain HTTP and open to everybody: for pods, containerd and this machine. */
  readonly registry: string;
  readonly node: string;
  /** Runs kubectl, which may read from its standard input; answers with what it prints. */
  kubectl(args: readonly string[], input?: string): Promise<string>;
  /** Gives the node images from an archive of `docker save`. */
  importImages(archive: string): Promise<void>;
  /** Pushes images of such an archive to the registry, `docker.io/library/node:24-slim` as `library/node:24-slim`. */
  publish(archive: string, images: readonly string[]): Promise<void>;
  /** Lets containerd pull from one more registry that speaks plain HTTP, `host:port` as images name it. */
  allowPlainRegistry(host: string): Promise<void>;
  /** Kills a server as `kill -9` does; pods live on. */
  kill(server: Server): Promise<void>;
  /** Starts a server that was killed, and waits until it is ready. */
  start(server: Server): Promise<void>;
}

/** Starts a cluster from nothing; takes some seconds. Throws naming the server that did not come up, with its last lines. */
export async function startCluster({ programs, say, signal, ...place }: ClusterOptions): Promise<Cluster> {
  const began = performance.now();
  const start = async (server: Server) => {
    await startServer(place, server);
    await untilReady(place, server, signal);
    say(`${server} ready after ${((performance.now() - began) / 1000).toFixed(1)} s`);
  };
  try {
    await prepareCluster(place, programs, signal);
    await startServer(place, 'registry');
    await startServer(place, 'etcd');
    await startServer(place, 'containerd');
    await start('kube-apiserver');
    await startServer(place, 'kube-scheduler');
    await start('kube-controller-manager');
    await start('containerd');
    const objects = [...dnsRights(), storage()].map((each) => JSON.stringify(each));
    await kubectl(place, ['apply', '-f', '-'], objects.join('\n---\n'));
    const packed = { reference: pauseImage, directory: join(place.directory, 'pause'), signal };
    await ctr(place, 'images', 'import', await packProgram(join(programs, 'pause'), packed));
    for (const server of servers) await startServer(place, server);
    for (const server of ['kubelet', 'kube-proxy', 'coredns', 'registry'] as const) await start(server);
    return clusterAt(place);
  } catch (error) {
    await removeCluster(place);
    throw error;
  }
}

/** The cluster that was started in a directory, by this process or another one. */
export async function openCluster(directory: string): Promise<Cluster> {
  // Written by `prepareCluster`.
  return clusterAt(JSON.parse(await readFile(join(directory, 'place.json'), 'utf8')) as ClusterPlace);
}

function clusterAt(place: ClusterPlace): Cluster {
  return {
    kubeconfig: kubeconfigOf(place, 'admin'),
    address: addressOf(place),
    registry: registryOf(place),
    node: nodeName,
    kubectl: (args, input) => kubectl(place, args, input),
    async importImages(archive) {
      await ctr(place, 'images', 'import', archive);
    },
    publish: (archive, images) => publishImages(place, archive, images),
    allowPlainRegistry: (host) => allowPlainRegistry(place, host),
    kill: (server) => killServer(place, server),
    async start(server) {
      await startServer(place, server);
      await untilReady(place, server);
    },
    [Symbol.asyncDispose]: () => removeCluster(place),
  };
}
