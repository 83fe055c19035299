import type {
  DeployFailure,
  DeployId,
  Environment,
  EnvironmentId,
  ProbeResult,
  RevisionId,
  Service,
} from '@eve/domain';
import type { RegistryLogin } from './builder.ts';
import type { Lease } from './work-queue.ts';

export type DeployerName = 'docker' | 'kubernetes';

/** What a deployer is asked to bring about: all services of one revision, resolved. */
export interface DeployTarget {
  readonly deployId: DeployId;
  readonly environment: Pick<Environment, 'id' | 'name' | 'tenantId' | 'projectId'>;
  /** Stable and unique on the machine: names of networks, containers and volumes begin with it. */
  readonly place: string;
  readonly revision: { readonly id: RevisionId; readonly number: number };
  readonly services: readonly ServiceTarget[];
}

export interface ServiceTarget {
  readonly service: Service;
  /** `host/repository@sha256:…` as the engine reaches it, or an image id of the local engine with `local`. */
  readonly image: string;
  readonly local: boolean;
  /** Every digest that means this image: index, manifests, configs. */
  readonly digests: readonly string[];
  readonly login: RegistryLogin | null;
  /** Values resolved; secrets among them. */
  readonly environment: Readonly<Record<string, string>>;
  /** SHA-256 of digest, resolved configuration and settings: an instance with the same hash is left running. */
  readonly hash: string;
  /** The port that gets traffic and that checks ask, null for a worker without one. */
  readonly port: number | null;
}

export type ChangeKind = 'start' | 'keep' | 'replace' | 'remove';

/** `replace` stops the old before the new starts, because both would write to one volume. */
export interface PlannedChange {
  readonly service: string;
  readonly kind: ChangeKind;
  readonly reason: string;
  readonly instances: number;
}

/** A running copy of a service. */
export interface Instance {
  readonly name: string;
  readonly service: string;
  readonly deployId: DeployId;
  readonly hash: string;
  /** Where the router reaches each container port, on this machine. */
  readonly ports: readonly { readonly container: number; readonly host: string; readonly port: number }[];
  /** Whether its service's name resolves to it. */
  readonly named: boolean;
  readonly state: 'running' | 'exited' | 'restarting';
  readonly restarts: number;
  /** Every digest the runtime reports for its image: repo digests and image id. */
  readonly digests: readonly string[];
  readonly startedAt: Date | null;
}

export type DeployerEvent =
  | { readonly type: 'note'; readonly service: string | null; readonly text: string }
  | { readonly type: 'started'; readonly instance: Instance }
  | { readonly type: 'probed'; readonly service: string; readonly instance: string; readonly probe: ProbeResult }
  | { readonly type: 'healthy'; readonly instance: Instance };

/** A place where revisions run. Every act is idempotent: a later worker calls it again after a crash. Failures are thrown as DeployFailed. */
export interface Deployer {
  readonly name: DeployerName;
  /** What the deployer cannot do of these services, by name; empty when it can all. */
  unsupported(services: readonly Service[]): readonly string[];
  plan(target: DeployTarget): Promise<readonly PlannedChange[]>;
  /** Pulls, starts what changed beside what serves, in the order of depends_on, and probes until each is healthy. Ends when all are. */
  apply(target: DeployTarget, lease: Lease, signal: AbortSignal): AsyncIterable<DeployerEvent>;
  /** Makes the new instances resolve under their service's name, and the old ones no more. */
  serve(target: DeployTarget, lease: Lease, signal: AbortSignal): Promise<void>;
  /** Everything of ours in an environment, read back from the runtime. */
  observe(environmentId: EnvironmentId): Promise<readonly Instance[]>;
  /** Stops and removes instances gracefully (their service's stop grace period). */
  remove(instances: readonly Instance[], signal: AbortSignal): Promise<void>;
  /** The last lines an instance printed. */
  tail(instance: Instance, lines: number): Promise<readonly string[]>;
  /** Removes all of an environment; volumes only when asked. */
  removeEnvironment(environmentId: EnvironmentId, options: { volumes: boolean }, signal: AbortSignal): Promise<void>;
  /** The image behind a name that only the local engine holds, for the local loop; null when it has none. */
  localImage(reference: string): Promise<{ readonly id: string } | null>;
}

/** A DeployFailure with what a deployer knows; code and hint are standard. */
export type DeployerFailure = DeployFailure;
