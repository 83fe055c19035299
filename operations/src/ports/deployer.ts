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
  /** What the revision's release is called, for people who look at the runtime itself. */
  readonly release: ReleaseInfo;
  /** Number of the environment's configuration version. */
  readonly configVersion: number;
  readonly services: readonly ServiceTarget[];
  /** Instances that served before and that nobody has begun to remove: those of a wanted hash are taken up again. */
  readonly reusable: readonly string[];
}

export interface ReleaseInfo {
  readonly tag: string | null;
  readonly version: string | null;
  readonly gitSha: string | null;
  readonly builtAt: Date | null;
  readonly buildNumber: number | null;
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
  /** Names of those variables whose values hold a secret. */
  readonly secretNames: readonly string[];
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

/** A line that an instance printed. */
export interface RuntimeLine {
  readonly at: Date;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

/** An image that the engine holds, as far as it belongs to this installation. */
export interface EngineImage {
  readonly id: string;
  /** `host/repository@sha256:…` and `host/repository:tag`. */
  readonly references: readonly string[];
  readonly sizeBytes: number;
  readonly createdAt: Date;
  /** Whether a container, running or not, was made of it. */
  readonly inUse: boolean;
}

/** An image by a name of the local engine. */
export interface LocalImage {
  readonly id: string;
  /** Nothing tells that it was pulled, pushed, or built by Eve. */
  readonly byHand: boolean;
}

/** Something of this installation on the engine that belongs to no environment there is. */
export interface Stray {
  readonly kind: 'container' | 'network' | 'volume' | 'namespace';
  readonly name: string;
  readonly environmentId: EnvironmentId | null;
  readonly createdAt: Date;
  readonly sizeBytes: number | null;
}

/** A place where revisions run. Every act is idempotent: a later worker calls it again after a crash. Failures are thrown as DeployFailed. */
export interface Deployer {
  readonly name: DeployerName;
  /** What the deployer cannot do of these services, by name; empty when it can all. */
  unsupported(services: readonly Service[]): readonly string[];
  plan(target: DeployTarget): Promise<readonly PlannedChange[]>;
  /**
   * Pulls, starts what changed beside what serves, in the order of depends_on, and probes until each is healthy. Ends when all are.
   * `upTo` says how many instances of a service this deploy has up at most after it (kept ones among them); all unless said.
   * With 0 for every service it makes the place ready and starts nothing: a release command needs that.
   */
  apply(
    target: DeployTarget,
    lease: Lease,
    signal: AbortSignal,
    upTo?: Readonly<Record<string, number>>,
  ): AsyncIterable<DeployerEvent>;
  /** Makes exactly these instances resolve under their service's name; all others of the environment resolve no more. */
  serve(target: DeployTarget, instances: readonly string[], lease: Lease, signal: AbortSignal): Promise<void>;
  /** Asks one running instance all its checks once: readiness (or what stands for it) and, where there is one, liveness. One that exited since `instance` was read is not well. */
  probe(wanted: ServiceTarget, instance: Instance, signal: AbortSignal): Promise<readonly ProbeResult[]>;
  /** How instances of one revision make room for those of another. */
  readonly exchange: Halting | Rolling;
  /** Everything of ours in an environment, read back from the runtime. */
  observe(environmentId: EnvironmentId): Promise<readonly Instance[]>;
  /** Stops and removes instances gracefully (their service's stop grace period). */
  remove(instances: readonly Instance[], signal: AbortSignal): Promise<void>;
  /**
   * What an instance printed, oldest first: from `since` on, at most the last `tail` lines, and on while it runs with `follow`.
   * Ends quietly with its signal; empty for one that is gone.
   */
  logs(
    instance: Pick<Instance, 'name'>,
    options: { readonly since?: Date; readonly tail?: number; readonly follow?: boolean },
    signal: AbortSignal,
  ): AsyncIterable<RuntimeLine>;
  /** The last lines an instance printed. */
  tail(instance: Instance, lines: number): Promise<readonly string[]>;
  /** Removes all of an environment; volumes only when asked. */
  removeEnvironment(environmentId: EnvironmentId, options: { volumes: boolean }, signal: AbortSignal): Promise<void>;
  /** The image behind a name that only the local engine holds, for the local loop; null when it has none. */
  localImage(reference: string): Promise<LocalImage | null>;
  /** Images from the registries that these prefixes (`host/path/`) name. */
  images(prefixes: readonly string[]): Promise<readonly EngineImage[]>;
  /** False when something uses it, or it was not there. */
  removeImage(id: string): Promise<boolean>;
  /** What carries this installation's labels and belongs to none of these environments. */
  strays(environments: readonly EnvironmentId[]): Promise<readonly Stray[]>;
  removeStray(stray: Stray, signal: AbortSignal): Promise<void>;
  /** Environments in which something of ours has just changed, where the runtime tells; until the signal. */
  changes?(signal: AbortSignal): AsyncIterable<EnvironmentId>;
}

/** A runtime whose instances can be stopped and started again one by one: whoever deploys exchanges them. */
export interface Halting {
  readonly by: 'halting';
  /** Stops instances gracefully without removing them; `resume` starts them again, and whoever asks probes until they are well. */
  halt(instances: readonly Instance[], signal: AbortSignal): Promise<void>;
  resume(instances: readonly Instance[], signal: AbortSignal): Promise<void>;
}

/** A runtime that exchanges instances itself. */
export interface Rolling {
  readonly by: 'rolling';
  /**
   * Brings every service to the target in the place where it serves, replica after replica as its update settings say; names and
   * traffic follow each that is ready. Ends when only the target's instances serve and all of them are healthy. A failure leaves
   * things as they stand: whoever gives up rolls to what served before, which is quick and silent where nothing has changed.
   */
  roll(target: DeployTarget, lease: Lease, signal: AbortSignal): AsyncIterable<DeployerEvent>;
}

/** A DeployFailure with what a deployer knows; code and hint are standard. */
export type DeployerFailure = DeployFailure;
