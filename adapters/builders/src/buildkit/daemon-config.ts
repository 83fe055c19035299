/** What one BuildKit daemon is made of. */
export interface DaemonConfig {
  /** Where layers and records lie. */
  readonly root: string;
  readonly socket: string;
  /** The program that runs steps. */
  readonly runc: string;
  /** Steps that run at once. */
  readonly parallelSteps: number;
  /** How much disk the layers may take. */
  readonly cacheBytes: number;
  /** A registry that stands in for Docker Hub, such as `127.0.0.1:5000`. */
  readonly mirror: string | null;
  /** Registries that are spoken to over plain HTTP. */
  readonly insecureHosts: readonly string[];
  /** The control group in which the groups of builds are. */
  readonly groups: string;
  /** The bridge that steps are attached to; null gives them the machine's own network. */
  readonly bridge: { readonly name: string; readonly subnet: string } | null;
  /** Where the programs of the bridge lie. */
  readonly programs: string;
}

// JSON's strings are strings of TOML too.
const text = JSON.stringify;

/** The file that the daemon is started with. */
export function daemonConfig(config: DaemonConfig): string {
  return [
    `root = ${text(config.root)}`,
    '[grpc]',
    `address = [${text(`unix://${config.socket}`)}]`,
    // Records of builds keep layers from being taken away; ours are elsewhere.
    '[history]',
    'maxAge = 3600',
    'maxEntries = 20',
    '[worker.containerd]',
    'enabled = false',
    '[worker.oci]',
    'enabled = true',
    'snapshotter = "overlayfs"',
    `binary = ${text(config.runc)}`,
    `max-parallelism = ${config.parallelSteps}`,
    `defaultCgroupParent = ${text(config.groups)}`,
    ...(config.bridge
      ? [
          'networkMode = "bridge"',
          `bridgeName = ${text(config.bridge.name)}`,
          `bridgeSubnet = ${text(config.bridge.subnet)}`,
          `cniBinaryPath = ${text(config.programs)}`,
        ]
      : ['networkMode = "host"']),
    'gc = true',
    '[[worker.oci.gcpolicy]]',
    'all = true',
    'reservedSpace = 0',
    `maxUsedSpace = ${config.cacheBytes}`,
    ...registryLines(config),
    '',
  ].join('\n');
}

/** What a daemon is told of registries: which are spoken to over plain HTTP, and which stands in for Docker Hub. */
export function registryLines({ mirror, insecureHosts }: Pick<DaemonConfig, 'mirror' | 'insecureHosts'>): string[] {
  const plain = [...new Set([...insecureHosts, ...(mirror ? [mirror] : [])])];
  return [
    ...(mirror ? ['[registry."docker.io"]', `mirrors = [${text(mirror)}]`] : []),
    ...plain.flatMap((host) => [`[registry.${text(host)}]`, 'http = true']),
  ];
}
