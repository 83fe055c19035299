import type { Cluster } from '@eve/adapter-kubernetes';

/** How builds run as Jobs in a cluster. */
export interface JobOptions {
  readonly cluster: Cluster;
  /** Where builds run, and nothing else. */
  readonly namespace: string;
  /** Tells our Jobs from those of another installation on the same cluster. */
  readonly installation: string;
  /** The image with the engine. */
  readonly image: string;
  /** Where archives of sources are made before they are sent. */
  readonly workDir: string;
  /** Registries that are spoken to over plain HTTP. */
  readonly insecureHosts?: readonly string[];
  /** Networks, as `10.0.0.0/8`, that no build may reach, besides those of clouds' own metadata. */
  readonly closedNetworks?: readonly string[];
  /** How the image is pulled when it needs a login: Secrets of the namespace. */
  readonly imagePullSecrets?: readonly string[];
  readonly nodeSelector?: Readonly<Record<string, string>>;
  /** How much disk layers may take while a build runs, as `20Gi`; without it as much as the node has. */
  readonly stateSize?: string;
  /** The longest that any build may take, as a last resort where nobody is left to end it. */
  readonly longestSeconds?: number;
  /** How long a Job that has ended is kept where nobody is left to remove it. */
  readonly keepSeconds?: number;
  /** How long a pod may wait for a place on a node: where nodes are added when needed, as long as that takes. */
  readonly placeSeconds?: number;
  /** How long a pod that has a place may take to start, image included. */
  readonly startSeconds?: number;
}

export interface KubernetesBuildkitOptions extends JobOptions {
  /** Whether the daemon may do everything on its node. Without, it runs as user 1000 in a user namespace of its own. */
  readonly privileged?: boolean;
  /** Whether nodes confine containers so that a rootless daemon must be told to be spared; needs what `privileged` needs of the namespace. */
  readonly unconfined?: boolean;
  /** BuildKit's version, where the image's tag does not tell it. */
  readonly version?: string | null;
  /** A registry that stands in for Docker Hub, such as `10.0.0.1:5000`. */
  readonly mirror?: string | null;
  /** Further variables for the daemon, such as a proxy's. */
  readonly variables?: Readonly<Record<string, string>>;
}

export const defaults = {
  longestSeconds: 6 * 3600,
  keepSeconds: 3600,
  placeSeconds: 60,
  startSeconds: 300,
  /** How long a started pod waits for its source, and for its daemon. */
  sourceSeconds: 120,
  daemonSeconds: 60,
} as const;
