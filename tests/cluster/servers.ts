import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasEnded, runningFrom, runProgram, startDetached } from '@eve/adapter-process';
import {
  addressOf,
  type ClusterPlace,
  containerdSocket,
  kubeconfigOf,
  nodeName,
  registriesOf,
  registryOf,
} from './place.ts';
import { controlPlane, plainRegistry } from './settings.ts';

/** The programs of a cluster, in the order in which they start. */
export const servers = [
  'registry',
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'containerd',
  'kubelet',
  'kube-proxy',
  'coredns',
] as const;

export type Server = (typeof servers)[number];

/** The names under which the one program with all of Kubernetes is called. */
export const kubePrograms = [
  ...servers.filter((name) => name !== 'containerd' && name !== 'registry'),
  'kubectl',
] as const;

export const pidFileOf = ({ directory }: Pick<ClusterPlace, 'directory'>, server: Server) =>
  join(directory, 'pids', server);
const logOf = ({ directory }: ClusterPlace, server: Server) => join(directory, 'logs', server);

/** Starts a server unless it runs; whoever needs it ready has to wait for that. */
export async function startServer(place: ClusterPlace, server: Server): Promise<void> {
  if (await runningFrom(pidFileOf(place, server))) return;
  const [program = '', ...args] = commandOf(place, server);
  const files = { pidFile: pidFileOf(place, server), logFile: logOf(place, server) };
  await startDetached(program, args, { ...files, variables: { HOME: place.directory } });
}

/** Kills a server as `kill -9` does; what it has started lives on. */
export async function killServer(place: ClusterPlace, server: Server): Promise<void> {
  const running = await runningFrom(pidFileOf(place, server));
  if (!running) return;
  process.kill(running.pid, 'SIGKILL');
  await hasEnded(running, 10_000);
}

/** The end of what a server has printed since it was started last. */
export async function lastLines(place: ClusterPlace, server: Server): Promise<string[]> {
  return (await readFile(logOf(place, server), 'utf8').catch(() => '')).trim().split('\n').slice(-20);
}

/** Runs kubectl as the cluster's administrator; answers with what it prints. */
export async function kubectl(
  place: Pick<ClusterPlace, 'directory'>,
  args: readonly string[],
  input?: string,
): Promise<string> {
  const output = await runProgram({
    file: join(place.directory, 'bin', 'kubectl'),
    args: [`--kubeconfig=${kubeconfigOf(place, 'admin')}`, ...args],
    input,
    env: { HOME: place.directory },
  });
  return output.stdout;
}

/** Runs containerd's client, in the namespace of the kubelet. */
export async function ctr(place: Pick<ClusterPlace, 'directory'>, ...args: string[]): Promise<string> {
  return await ctrIn(place, 'k8s.io', ...args);
}

async function ctrIn(place: Pick<ClusterPlace, 'directory'>, namespace: string, ...args: string[]): Promise<string> {
  const where = ['--connect-timeout', '2s', '--address', containerdSocket(place), '--namespace', namespace];
  return (await runProgram({ file: 'ctr', args: [...where, ...args] })).stdout;
}

/** Pushes images of an archive of `docker save` to the cluster's registry; the node itself gets none of them. */
export async function publishImages(place: ClusterPlace, archive: string, images: readonly string[]): Promise<void> {
  const run = (...args: string[]) => ctrIn(place, 'publishing', ...args);
  await run('images', 'import', '--no-unpack', archive);
  for (const image of images)
    await run('images', 'push', '--plain-http', image.replace(/^[^/]+/, registryOf(place)), image);
  await run('images', 'rm', ...images);
}

/** Tells containerd of a registry that speaks plain HTTP; it knows those on the loopback by itself. */
export async function allowPlainRegistry(place: ClusterPlace, host: string): Promise<void> {
  const directory = join(registriesOf(place), host);
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'hosts.toml'), plainRegistry(host));
}

function commandOf(place: ClusterPlace, server: Server): readonly string[] {
  const { directory } = place;
  const bin = join(directory, 'bin', server);
  switch (server) {
    case 'registry':
      return ['docker-registry', 'serve', join(directory, 'registry.json')];
    case 'containerd':
      return ['containerd', `--config=${directory}/containerd.toml`];
    case 'kubelet':
      return [
        ...[bin, `--config=${directory}/kubelet.json`, `--kubeconfig=${kubeconfigOf(place, 'kubelet')}`],
        ...[`--root-dir=${directory}/kubelet`, `--cert-dir=${directory}/keys`],
        ...[`--hostname-override=${nodeName}`, `--node-ip=${addressOf(place)}`],
      ];
    case 'kube-proxy':
      return [bin, `--config=${directory}/proxy.json`];
    case 'coredns':
      return [bin, `-conf=${directory}/Corefile`];
    default:
      return [bin, ...controlPlane(place)[server]];
  }
}
