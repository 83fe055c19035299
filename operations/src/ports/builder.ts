import type { BuilderName, BuildFailure, BuildRunId, BuildUsage } from '@eve/domain';
import type { Lease } from './work-queue.ts';

/** What an engine can do; asking for what is missing is an error at once, and the gaps are recorded on the run. */
export interface BuilderCapabilities {
  readonly version: string;
  /** The engine's own BuildKit, such as `0.8` for the docker driver of an old engine. */
  readonly buildkit: string | null;
  readonly platforms: readonly string[];
  readonly multiPlatform: boolean;
  readonly attestations: boolean;
  readonly rewriteTimestamps: boolean;
  readonly cacheExport: boolean;
  /** Whether a build's memory and CPU can be held to its limits, and what it uses be told. */
  readonly limits: boolean;
}

export interface RegistryLogin {
  /** The registry's real key in a Docker configuration: a host, with port; `docker.io` is `https://index.docker.io/v1/`. */
  readonly host: string;
  readonly username: string;
  readonly password: string;
}

/** One image to build and push. */
export interface ImageBuildPlan {
  /** Names the work of this plan: run, attempt and service. */
  readonly name: string;
  readonly runId: BuildRunId;
  readonly service: string;
  /** The tenant's slug: caches, daemons and control groups are never shared between tenants. */
  readonly organisation: string;
  /** The project's slug: of several daemons its layers are with one. */
  readonly project?: string;
  /** `push` under every tag; `push-by-digest` names nothing, for comparing; `none` keeps the layers in the cache only, for tests. */
  readonly output: 'push' | 'push-by-digest' | 'none';
  /** The checked-out repository. */
  readonly sourceDir: string;
  /** Both relative to `sourceDir`, checked not to leave it. */
  readonly context: string;
  readonly dockerfile: string;
  /** Used instead of the file's own text; what the file says about ignoring still holds. */
  readonly dockerfileText: string | null;
  readonly target: string | null;
  readonly args: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly platforms: readonly string[];
  /** Full references as the builder reaches them; the first is pushed and read back. */
  readonly tags: readonly string[];
  readonly secrets: readonly { readonly id: string; readonly value: string }[];
  readonly logins: readonly RegistryLogin[];
  /** The commit's time in seconds, for SOURCE_DATE_EPOCH. */
  readonly sourceDateEpoch: number | null;
  readonly noCache: boolean;
  readonly cacheFrom: readonly CacheLocation[];
  readonly cacheTo: readonly CacheLocation[];
  /** Whether SLSA provenance is attached where the engine can. */
  readonly provenance: boolean;
  /** The scanner image that makes the list of packages, null for none. */
  readonly sbomScanner: string | null;
  readonly limits: { readonly memoryBytes: number | null; readonly cpus: number | null };
}

/** Where layers of earlier builds are read from or kept. */
export type CacheLocation =
  | { readonly type: 'registry'; readonly reference: string }
  | { readonly type: 'local'; readonly directory: string };

/** Names a runner so that it can be found, followed and stopped again. */
export type RunnerRef = string;
export type Cursor = string;

export type BuildEvent =
  | {
      readonly type: 'step';
      readonly id: string;
      readonly name: string;
      readonly state: 'started' | 'cached' | 'done' | 'failed';
      readonly at: Date;
      readonly error?: string;
    }
  | {
      readonly type: 'log';
      readonly step: string | null;
      readonly stream: 'stdout' | 'stderr';
      readonly text: string;
      readonly at: Date;
    }
  /** Since the build began, over all its steps; told about once a second and at the end. */
  | { readonly type: 'usage'; readonly usage: BuildUsage }
  | { readonly type: 'pushed'; readonly digest: string }
  /** The end of a build whose output is `none`. */
  | { readonly type: 'passed' }
  | { readonly type: 'failed'; readonly failure: BuildFailure };

/** An engine that turns a plan into a pushed image. Its contract test is in operations/testing. */
export interface Builder {
  readonly name: BuilderName;
  /**
   * Whether a build goes on when the process that asked for it ends: then another one may follow it, from its beginning, and is told
   * the same again. Such a build stays until it is stopped, also when it has ended.
   */
  readonly survives?: boolean;
  /** Of the engine that builds for an organisation, by its slug; where each has its own and none is named, of any. */
  capabilities(signal?: AbortSignal, organisation?: string): Promise<BuilderCapabilities>;
  /** Starts the work unless a runner of this plan's name already does it. */
  ensure(plan: ImageBuildPlan, lease: Lease): Promise<RunnerRef>;
  /** What happens from the cursor on; ends after `pushed`, `passed` or `failed`. Steps' log events are whole lines. */
  follow(ref: RunnerRef, cursor: Cursor | null, signal: AbortSignal): AsyncIterable<BuildEvent>;
  /** Resolves when nothing of ours runs any more. */
  stop(ref: RunnerRef): Promise<void>;
  list(): Promise<readonly RunnerRef[]>;
}
