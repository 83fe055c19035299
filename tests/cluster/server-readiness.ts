import { Resolver } from 'node:dns/promises';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { runningFrom, tryProgram } from '@eve/adapter-process';
import { addressOf, type ClusterPlace, clusterDomain, nodeName, registryOf } from './place.ts';
import { ctr, kubectl, lastLines, pidFileOf, type Server } from './servers.ts';

const patienceMs = 120_000;

/** Waits until a started server does its work. Throws with its last lines when it ends, or takes two minutes. */
export async function untilReady(place: ClusterPlace, server: Server, signal?: AbortSignal): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!(await isReady(place, server).catch(() => false))) {
    signal?.throwIfAborted();
    if (performance.now() > end || !(await runningFrom(pidFileOf(place, server))))
      throw new Error(`${server} did not come up:\n${(await lastLines(place, server)).join('\n')}`);
    await sleep(100, undefined, { signal });
  }
}

async function isReady(place: ClusterPlace, server: Server): Promise<boolean> {
  switch (server) {
    case 'registry':
      return (await fetch(`http://${registryOf(place)}/v2/`)).ok;
    case 'kube-apiserver':
      return (await kubectl(place, ['get', '--raw', '/readyz'])) === 'ok';
    case 'kube-controller-manager':
      return (await kubectl(place, ['get', 'serviceaccount', 'default'])) !== '';
    case 'containerd':
      return (await ctr(place, 'version')) !== '';
    case 'kubelet': {
      // It says of itself that it is ready, and that stays so for a while after its end.
      if (!(await listens(addressOf(place), 10250))) return false;
      const readiness = '-o=jsonpath={.status.conditions[?(@.type=="Ready")].status}';
      return (await kubectl(place, ['get', 'node', nodeName, readiness])) === 'True';
    }
    case 'kube-proxy':
      return (await tryProgram({ file: 'nft', args: ['list', 'table', 'ip', 'kube-proxy'] })).code === 0;
    case 'coredns':
      return (await resolverOf(place).resolve4(`kubernetes.default.svc.${clusterDomain}`)).length > 0;
    case 'etcd':
    case 'kube-scheduler':
      return true; // the API server needs the one, and nobody asks the other
  }
}

function resolverOf(place: ClusterPlace): Resolver {
  const resolver = new Resolver({ timeout: 1_000, tries: 1 });
  resolver.setServers([addressOf(place)]);
  return resolver;
}

function listens(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host, () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
