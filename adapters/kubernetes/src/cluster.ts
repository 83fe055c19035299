import type { Readable } from 'node:stream';

/** What every object of the API has. Kinds that we read closer have a shape of their own in shapes.ts. */
export interface ClusterObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
}

export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  /** RFC 3339, as all times here. */
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly finalizers?: readonly string[];
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** A kind of object and where the API serves it, such as `{apiVersion: 'apps/v1', kind: 'Deployment', plural: 'deployments', namespaced: true}`. */
export interface Kind<Shape extends ClusterObject = ClusterObject> {
  readonly apiVersion: string;
  readonly kind: Shape['kind'];
  readonly plural: string;
  readonly namespaced: boolean;
}

export interface Selection {
  /** Null or left out: of all namespaces. */
  readonly namespace?: string | null;
  /** A label selector, as kubectl takes it. */
  readonly labels?: string;
  readonly fields?: string;
}

export interface Change<Shape> {
  readonly type: 'added' | 'changed' | 'removed';
  readonly object: Shape;
}

export interface ContainerPlace {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

export interface ClusterLine {
  readonly at: Date;
  /** RFC 3339 in UTC with nine digits of a second, so that times compare as texts. */
  readonly time: string;
  readonly text: string;
}

export interface LogSelection {
  /** From this moment on. */
  readonly since?: Date;
  /** The `time` of a line that was seen: only what came later. Goes before `since`. */
  readonly after?: string;
  /** Only the last so many lines of what there is. */
  readonly tail?: number;
  readonly follow?: boolean;
  /** Of the container's run before this one. */
  readonly previous?: boolean;
}

/**
 * A Kubernetes cluster, made by `kubernetesCluster(options)` (which is async: it reads the kubeconfig). Failures are PlatformErrors:
 * `cluster_unreachable` (kind unavailable) while the API server or a kubelet does not answer, else ClusterRefused (code
 * `cluster_refused`) with `refusal` and what the API server said: `isRefused(error, 'conflict')`. Kinds are in `kinds`:
 * `cluster.get(kinds.Pod, name, namespace)`. `managedFields` are left out of what is read.
 */
export interface Cluster {
  /** Such as `https://10.0.0.1:6443`, for messages. */
  readonly server: string;
  /** Null when it is not there. */
  get<Shape extends ClusterObject>(kind: Kind<Shape>, name: string, namespace?: string): Promise<Shape | null>;
  list<Shape extends ClusterObject>(kind: Kind<Shape>, selection: Selection): Promise<readonly Shape[]>;
  create<Shape extends ClusterObject>(kind: Kind<Shape>, object: Wanted<Shape>): Promise<Shape>;
  /** Server-side apply as field manager `eve`. Throws ClusterRefused `field_conflict` naming who else owns a field, unless `force`. */
  apply<Shape extends ClusterObject>(
    kind: Kind<Shape>,
    object: Wanted<Shape>,
    options?: { readonly dryRun?: boolean; readonly force?: boolean },
  ): Promise<Shape>;
  /** A JSON merge patch; with `metadata.resourceVersion` in it only when nobody was faster (`conflict`). */
  patch<Shape extends ClusterObject>(
    kind: Kind<Shape>,
    place: { readonly name: string; readonly namespace?: string; readonly subresource?: 'scale' | 'status' },
    change: object,
  ): Promise<Shape>;
  /** False when it was not there. `uid`: only that one, false when its name is another's now. */
  remove(
    kind: Kind,
    place: { readonly name: string; readonly namespace?: string },
    options?: {
      readonly propagation?: 'Foreground' | 'Background' | 'Orphan';
      readonly graceSeconds?: number;
      readonly uid?: string;
    },
  ): Promise<boolean>;
  /**
   * What there is as `added`, then every change, until the signal, whose reason it then throws. Goes on by itself after a broken
   * connection and an API server that is away for less than a minute, telling of what it missed; then throws `cluster_unreachable`.
   */
  watch<Shape extends ClusterObject>(
    kind: Kind<Shape>,
    selection: Selection,
    signal: AbortSignal,
  ): AsyncIterable<Change<Shape>>;
  /**
   * Whole lines with their times; one of more than a mebibyte comes in pieces. Ends when the container has ended or, without
   * `follow`, at the present; throws the signal's reason. Empty when it is gone. With `follow` it waits for a container that is
   * still to be started, and goes on by itself as `watch` does. Stays with one run of the container: one that was started again
   * has another log.
   */
  logs(place: ContainerPlace, options: LogSelection, signal: AbortSignal): AsyncIterable<ClusterLine>;
  /**
   * Runs a program in a container with an optional input; resolves with its exit code, output handed on as it comes. API servers
   * before 1.30 cannot tell the program that the input has ended: have it read a known length (`head -c`). One that ends
   * without having read all of a large input is not reported as ended by some runtimes, until the signal: have it read the rest
   * (`cat >/dev/null`). Aborting closes the connection; a program that neither reads nor writes may go on. ClusterRefused
   * `not_found`: no such pod, or the container does not run; `invalid`: the container has no such program.
   */
  exec(
    place: ContainerPlace,
    command: readonly string[],
    options: {
      readonly input?: Readable;
      readonly onOutput?: (chunk: Buffer, stream: 'stdout' | 'stderr') => void;
    },
    signal: AbortSignal,
  ): Promise<number>;
  /** Whether these credentials may do that; `plural` may name a subresource, as `pods/exec`. */
  may(
    verb: string,
    resource: { readonly group: string; readonly plural: string; readonly namespace?: string },
  ): Promise<boolean>;
}

/** What is sent: without what the API server fills in. */
export type Wanted<Shape extends ClusterObject> = Omit<Shape, 'metadata' | 'status'> & {
  readonly metadata: Metadata;
};

/** Why the API server refused: what is told to users is in the message. */
export type Refusal =
  /** The message names the verb, the resource and who asked. */
  | 'no_rights'
  | 'not_found'
  | 'exists'
  | 'conflict'
  | 'field_conflict'
  | 'invalid'
  | 'quota_exceeded'
  | 'namespace_terminating'
  /** By an admission controller or webhook, in its words. */
  | 'admission_refused';
