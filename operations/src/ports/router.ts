import type { EnvironmentId } from '@eve/domain';

/** One listener of a service's port, with what answers behind it. */
export interface Route {
  /** Unique: `<environment id>/<service>/<container port>`. */
  readonly id: string;
  readonly environmentId: EnvironmentId;
  /** DeployTarget.place of its environment. */
  readonly place: string;
  readonly service: string;
  readonly containerPort: number;
  readonly protocol: 'http' | 'tcp';
  /** A whole host name that the manifest asks for; null for most. */
  readonly host: string | null;
  /** Host labels without the domain, for the shared HTTP port; empty for tcp. */
  readonly labels: readonly string[];
  /** The loopback port of this route alone; in a cluster a number that means nothing. */
  readonly port: number;
  readonly backends: readonly Backend[];
}

export interface Backend {
  /** The instance's name: stable over changes of the table. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** 0 to 256, against the others of its route. */
  readonly weight: number;
  /** A draining backend finishes what it has and gets nothing new. */
  readonly state: 'serving' | 'draining';
}

/** All of what the router does, rendered from the database; never a change of a part. */
export interface RoutingTable {
  /** Rises with every change; an older table is refused. */
  readonly version: number;
  readonly domain: string;
  readonly httpPort: number;
  readonly routes: readonly Route[];
  /** Whose change asks for this table: what cannot be had for others is no failure of theirs. Left out: of all. */
  readonly concerning?: EnvironmentId;
}

/** Moves traffic without dropping a request. */
export interface Router {
  /** `by_replicas`: weights are only kept as far as the numbers of replicas do, which whoever deploys has to choose. */
  readonly weights: 'exact' | 'by_replicas';
  /** In a cluster: how host names are reached from outside; nothing: services are reached inside only. */
  readonly outside?: 'http' | 'https';
  /** Brings the router to this table and resolves when it is in force; starts it when it is not running. */
  apply(table: RoutingTable, signal?: AbortSignal): Promise<void>;
  /** Whether a loopback port is free to listen on, or already the router's own. */
  canListen(port: number): Promise<boolean>;
  /** How many requests or streams still run on a backend. */
  active(backendName: string): Promise<number>;
}
