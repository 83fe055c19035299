import { access, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram, tryProgram } from '@eve/adapter-process';
import { ensureCertificates } from './certificates.ts';
import { makeGroups } from './control-groups.ts';
import { dnsSettings, outward, passingRules, podNetwork, proxySettings } from './network-settings.ts';
import { addressOf, type ClusterPlace, clients, identities, kubeconfig, registriesOf, registryOf } from './place.ts';
import { allowPlainRegistry, kubePrograms } from './servers.ts';
import { containerdSettings, kubeletSettings, registrySettings } from './settings.ts';

/** Where Debian's package containernetworking-plugins puts them. */
const cniPrograms = '/usr/lib/cni';

/** Makes a cluster's directory with all settings and keys, and its network. */
export async function prepareCluster(place: ClusterPlace, programs: string, signal: AbortSignal): Promise<void> {
  const { directory } = place;
  for (const name of ['bin', 'pids', 'logs', 'cni', 'pod-logs', 'registry'])
    await mkdir(join(directory, name), { recursive: true });
  await mkdir(registriesOf(place), { recursive: true });
  for (const name of kubePrograms) await symlink(join(programs, 'kube'), join(directory, 'bin', name)).catch(ifThere);
  await ensureCertificates(join(directory, 'keys'), identities(place), signal);
  await writeSettings(place);
  await allowPlainRegistry(place, registryOf(place));
  await makeGroups(place);
  await makeNetwork(place, signal);
}

async function writeSettings(place: ClusterPlace): Promise<void> {
  const write = (name: string, content: string | object) => {
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    return writeFile(join(place.directory, name), text, { mode: 0o600 });
  };
  await write('place.json', { ...place });
  for (const user of clients) await write(`${user}.kubeconfig`, kubeconfig(place, user));
  const names = await readFile('/etc/resolv.conf', 'utf8').catch(() => '');
  // A name server on the machine's loopback is not one for pods.
  await write('resolv.conf', names.replaceAll(/^nameserver 127\..*$/gm, ''));
  await write('registry.json', registrySettings(place));
  await write('containerd.toml', containerdSettings(place, cniPrograms));
  await write('kubelet.json', kubeletSettings(place));
  await write('proxy.json', proxySettings(place));
  await write('Corefile', dnsSettings(place));
  await write('cni/10-pods.conflist', podNetwork(place));
}

async function makeNetwork(place: ClusterPlace, signal: AbortSignal): Promise<void> {
  const { bridge } = place;
  const ip = (...args: string[]) => runProgram({ file: 'ip', args, signal });
  const isThere = await access(`/sys/class/net/${bridge}`).then(
    () => true,
    () => false,
  );
  if (!isThere) {
    await ip('link', 'add', bridge, 'type', 'bridge');
    await ip('addr', 'add', `${addressOf(place)}/24`, 'dev', bridge);
    await ip('link', 'set', bridge, 'up');
  }
  await writeFile('/proc/sys/net/ipv4/ip_forward', '1');
  await runProgram({ file: 'nft', args: ['-f', '-'], input: outward(place), signal });
  for (const rule of passingRules(bridge)) {
    const iptables = (does: string) => ({ file: 'iptables', args: ['--wait', '10', does, ...rule], signal });
    if ((await tryProgram(iptables('-C'))).code !== 0) await runProgram(iptables('-I'));
  }
}

function ifThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}
