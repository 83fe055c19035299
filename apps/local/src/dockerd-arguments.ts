import type { EngineLayout } from './engine-state.ts';
import type { EngineNetwork } from './subnet.ts';

/** The whole of what dockerd is asked on its command line; none of it may also stand in its configuration file. */
export function dockerdArguments(layout: EngineLayout, network: EngineNetwork): string[] {
  return [
    `--host=unix://${layout.socket}`,
    `--config-file=${layout.configFile}`,
    `--data-root=${layout.dataRoot}`,
    `--exec-root=${layout.execRoot}`,
    `--pidfile=${layout.pidFile}`,
    // Where a containerd of the system runs, dockerd uses it: names of its own keep the engines apart there.
    `--containerd-namespace=${layout.bridge}`,
    `--containerd-plugins-namespace=${layout.bridge}-plugins`,
    `--bridge=${layout.bridge}`,
    `--default-address-pool=base=${network.pool},size=24`,
    // The rules are those of `firewall.ts`.
    '--iptables=false',
    '--ip6tables=false',
    '--ip-forward=false',
    '--exec-opt=native.cgroupdriver=cgroupfs',
    `--cgroup-parent=${layout.cgroup}`,
    '--log-opt=max-size=10m',
    '--log-opt=max-file=3',
  ];
}

/** The part of dockerd's configuration that it reads again on SIGHUP. */
export function dockerdConfig(mirror: string | null, liveRestore: boolean): string {
  const config = {
    // Containers outlive a crash of dockerd, and the next one takes them over.
    'live-restore': liveRestore,
    'registry-mirrors': mirror ? [mirror] : [],
    'shutdown-timeout': 20,
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}
