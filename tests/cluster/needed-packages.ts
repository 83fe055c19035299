import { access } from 'node:fs/promises';
import type { MissingProgram } from '@eve/local';

/** Debian's packages that a node is made of, each known by a file of it. */
const packages = [
  { name: 'containerd', file: '/usr/bin/containerd', debian: 'containerd', why: 'runs the containers of pods' },
  { name: 'runc', file: '/usr/sbin/runc', debian: 'runc', why: 'starts containers' },
  { name: 'cni', file: '/usr/lib/cni/bridge', debian: 'containernetworking-plugins', why: 'gives pods a network' },
  { name: 'nft', file: '/usr/sbin/nft', debian: 'nftables', why: 'leads to the pods of services' },
  { name: 'iptables', file: '/usr/sbin/iptables', debian: 'iptables', why: 'lets pods reach the network' },
  { name: 'registry', file: '/usr/bin/docker-registry', debian: 'docker-registry', why: 'keeps images' },
  { name: 'ip', file: '/usr/bin/ip', debian: 'iproute2', why: 'makes the bridge of pods' },
  { name: 'openssl', file: '/usr/bin/openssl', debian: 'openssl', why: 'makes certificates' },
] as const;

/** What a cluster needs besides Kubernetes and this machine lacks. */
export async function missingForCluster(): Promise<MissingProgram[]> {
  const found = await Promise.allSettled(packages.map(({ file }) => access(file)));
  return packages.filter((_, index) => found[index]?.status === 'rejected');
}
