import type { ArtifactDigests, BuilderName, BuildFailure, BuildRunId } from '@eve/domain';
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
  /** The checked-out repository. */
  readonly sourceDir: string;
  /** Both relative to `sourceDir`, checked not to leave it. */
  readonly context: string;
  readonly dockerfile: string;
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
  readonly limits: { readonly memoryBytes: number | null; readonly cpus: number | null };
}

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
  | { readonly type: 'pushed'; readonly digest: string }
  | { readonly type: 'failed'; readonly failure: BuildFailure };

/** An engine that turns a plan into a pushed image. Its contract test is in operations/testing. */
export interface Builder {
  readonly name: BuilderName;
  capabilities(signal?: AbortSignal): Promise<BuilderCapabilities>;
  /** Starts the work unless a runner of this plan's name already does it. */
  ensure(plan: ImageBuildPlan, lease: Lease): Promise<RunnerRef>;
  /** What happens from the cursor on; ends after `pushed` or `failed`. Steps' log events are whole lines. */
  follow(ref: RunnerRef, cursor: Cursor | null, signal: AbortSignal): AsyncIterable<BuildEvent>;
  /** Resolves when nothing of ours runs any more. */
  stop(ref: RunnerRef): Promise<void>;
  list(): Promise<readonly RunnerRef[]>;
}

/** Reads registries: what was really pushed. */
export interface RegistryReader {
  /** The digests and sizes behind a reference (`host/repository:tag` or `@digest`), null when it is not there. */
  inspect(
    reference: string,
    login: RegistryLogin | null,
    signal?: AbortSignal,
  ): Promise<{ digests: ArtifactDigests; sizeBytes: number } | null>;
  /** Adds a tag to a digest that the repository already holds. */
  tag(reference: string, tag: string, login: RegistryLogin | null, signal?: AbortSignal): Promise<void>;
}
