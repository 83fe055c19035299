import type { Strategy, UpdateSettings } from './strategy.ts';

/** A manifest after parsing: every form that the file allows has become one. Durations are milliseconds, sizes bytes. */
export interface Manifest {
  readonly name: string | null;
  readonly registry: RegistrySetting;
  readonly services: Readonly<Record<string, Service>>;
  readonly environments: Readonly<Record<string, EnvironmentSetting>>;
  readonly pipelines: Readonly<Record<string, Pipeline>>;
  /** For environments that choose none. */
  readonly strategy: Strategy | null;
}

export type RegistrySetting =
  | { readonly mode: 'eve' }
  | { readonly mode: 'none' }
  | {
      readonly mode: 'own';
      /** Host, optionally with a path, such as `public.ecr.aws/w7c4v0w3`. */
      readonly host: string;
      readonly namespace: string | null;
      readonly usernameSecret: string;
      readonly tokenSecret: string;
    };

export interface Service {
  readonly name: string;
  readonly image: string | null;
  readonly build: BuildSettings | null;
  readonly command: readonly string[] | null;
  readonly entrypoint: readonly string[] | null;
  readonly user: string | null;
  readonly workingDir: string | null;
  /** Values may hold `${secret.NAME}` and the variables of interpolation. */
  readonly environment: Readonly<Record<string, string>>;
  /** What is routed from outside, the first being the service's port. */
  readonly ports: readonly ServicePort[];
  /** What only other services reach. */
  readonly expose: readonly number[];
  readonly healthcheck: CommandCheck | null;
  readonly probes: {
    readonly live: HttpCheck | null;
    readonly ready: HttpCheck | null;
    readonly startup: HttpCheck | null;
  };
  readonly dependsOn: readonly Dependency[];
  readonly replicas: number;
  /** Where the runtime scales by itself, `replicas` being the least there are; null: it does not. */
  readonly autoscale: Autoscale | null;
  /** How long an instance that is to stop still takes requests, so that nobody is sent to it any more; null: as the runtime does by default. */
  readonly preStopMs: number | null;
  /** A host name of the user's own for the service's first port. */
  readonly ingressHost: string | null;
  readonly update: UpdateSettings;
  /** Runs once per deploy in the service's image before anything gets traffic, such as a migration. */
  readonly releaseCommand: ReleaseCommand | null;
  readonly resources: { readonly memoryBytes: number | null; readonly cpus: number | null };
  readonly stopGracePeriodMs: number;
  readonly restart: 'unless-stopped' | 'always' | 'on-failure' | 'no';
  readonly volumes: readonly VolumeMount[];
  /** `component` serves; `job` only runs when asked; `external` is neither built nor deployed. */
  readonly role: 'component' | 'worker' | 'job' | 'external';
}

/** Between how many replicas, and at which average use in percent of what each asks for. */
export interface Autoscale {
  readonly min: number;
  readonly max: number;
  readonly cpuPercent: number | null;
  readonly memoryPercent: number | null;
}

export interface ReleaseCommand {
  readonly shell: boolean;
  readonly command: readonly string[];
  readonly timeoutMs: number;
}

export interface ServicePort {
  readonly container: number;
  /** The host port asked for, or null for one that Eve chooses once. */
  readonly published: number | null;
  readonly protocol: 'http' | 'tcp';
}

export interface BuildSettings {
  /** Both relative to the repository's root, without `..`. */
  readonly context: string;
  readonly dockerfile: string;
  readonly target: string | null;
  readonly args: Readonly<Record<string, string>>;
  readonly platforms: readonly string[];
  readonly secrets: readonly string[];
  readonly timeoutMs: number | null;
  /** What must pass before the image is pushed: a target of the Dockerfile, or a command run in the built image. */
  readonly test: BuildTest | null;
  /** Less than the tenant's share of one build, never more. */
  readonly resources: { readonly memoryBytes: number | null; readonly cpus: number | null };
}

export type BuildTest = { readonly target: string } | { readonly shell: boolean; readonly command: readonly string[] };

export interface CommandCheck {
  readonly test: { readonly shell: boolean; readonly command: readonly string[] };
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly startPeriodMs: number;
}

export interface HttpCheck {
  readonly path: string;
  readonly port: number | null;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly startPeriodMs: number;
}

export interface Dependency {
  readonly service: string;
  readonly condition: 'started' | 'healthy';
}

export interface VolumeMount {
  readonly name: string;
  readonly path: string;
  readonly readOnly: boolean;
}

export interface EnvironmentSetting {
  readonly name: string;
  readonly pipeline: string | null;
  readonly pipelineInputs: Readonly<Record<string, unknown>>;
  /** Null where the manifest says nothing, here and below. */
  readonly approval: boolean | null;
  readonly autoDeploy: boolean | null;
  readonly strategy: Strategy | null;
  readonly drift: 'report' | 'repair' | null;
  readonly autoRollback: boolean | null;
  readonly stabiliseMs: number | null;
  readonly kind: 'persistent' | 'temporary';
  /** Per service, values that win over the service's own. */
  readonly environment: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export interface Pipeline {
  readonly name: string;
  readonly steps: readonly PipelineStep[];
}

export interface PipelineStep {
  readonly name: string;
  readonly dependsOn: readonly string[];
  readonly action: 'build' | 'release' | 'deploy';
  readonly envName: string | null;
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** Services that a build makes images of. */
export function buildableServices(manifest: Manifest): Service[] {
  return Object.values(manifest.services).filter((service) => service.build && service.role !== 'external');
}

/** Services that a deploy brings up. */
export function deployableServices(manifest: Manifest): Service[] {
  return Object.values(manifest.services).filter(
    (service) => service.role === 'component' || service.role === 'worker',
  );
}

/** Names of secrets that values refer to, as `${secret.NAME}`; two dollar signs stand for one that begins nothing. */
export function secretNamesIn(values: Iterable<string>): Set<string> {
  const names = new Set<string>();
  for (const value of values)
    for (const [, name] of value.matchAll(/\$\$|\$\{secret\.([A-Za-z_][A-Za-z0-9_]*)\}/g)) if (name) names.add(name);
  return names;
}

/** The names of all that a service depends on, directly or by others of these services. */
export function dependenciesOf(name: string, services: readonly Pick<Service, 'name' | 'dependsOn'>[]): Set<string> {
  const found = new Set<string>();
  const add = (of: string) => {
    for (const { service } of services.find((each) => each.name === of)?.dependsOn ?? []) {
      if (found.has(service)) continue;
      found.add(service);
      add(service);
    }
  };
  add(name);
  found.delete(name);
  return found;
}

/** Services in an order in which each comes after what it depends on; the groups may start together. */
export function startOrder(services: readonly Service[]): Service[][] {
  const waiting = new Map(services.map((service) => [service.name, service]));
  const groups: Service[][] = [];
  while (waiting.size > 0) {
    const ready = [...waiting.values()].filter((service) => service.dependsOn.every((on) => !waiting.has(on.service)));
    if (ready.length === 0) return [...groups, [...waiting.values()]];
    for (const { name } of ready) waiting.delete(name);
    groups.push(ready);
  }
  return groups;
}
