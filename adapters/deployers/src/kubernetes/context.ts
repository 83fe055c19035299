import type { Cluster } from '@eve/adapter-kubernetes';
import type { DeployerEvent, DeployTarget, Lease } from '@eve/operations';

/** What a deployer is made with, defaults filled in. */
export interface KubernetesSettings {
  readonly cluster: Cluster;
  readonly installation: string;
  readonly now: () => Date;
  /** Eve's own registry: its logins belong to the namespace's ServiceAccount, all others to the Deployments that pull with them. */
  readonly ownRegistryHost: string | null;
  /** No service is given up earlier than this, whatever its checks say. */
  readonly minimumDeadlineMs: number;
  /** What a volume is asked with. */
  readonly volumes: VolumeSettings;
}

export interface VolumeSettings {
  /** As a Kubernetes quantity, such as `10Gi`. */
  readonly size: string;
  /** Null: the cluster's default. */
  readonly storageClass: string | null;
}

/** What one act shares between its services. */
export interface ActContext extends KubernetesSettings {
  readonly target: DeployTarget;
  readonly lease: Lease;
  readonly namespace: string;
  readonly signal: AbortSignal;
  report(event: DeployerEvent): void;
}
