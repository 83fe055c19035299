import type { Job } from '@eve/adapter-kubernetes';
import type { BuilderName, BuildFailure } from '@eve/domain';
import type { BuildEvent, BuilderCapabilities, ImageBuildPlan } from '@eve/operations';
import type { GroupSample } from '../client/control-group.ts';
import type { ResolvedPlan } from '../client/plan.ts';
import type { BuildPod } from './job.ts';
import type { container } from './place.ts';

/** What is told while a build runs. */
export type ProgressEvent = Extract<BuildEvent, { type: 'step' | 'log' }>;

/** Turns what an engine prints into events, and its end into a reason. */
export interface EngineProgress {
  push(chunk: Uint8Array): Promise<ProgressEvent[]>;
  /** After the last bytes; `failureOf` then knows all that was printed. */
  end(): Promise<ProgressEvent[]>;
  failureOf(ended: Ended): BuildFailure;
}

/** How a build that made no image ended. */
export interface Ended {
  readonly exitCode: number | null;
  readonly service: string;
  readonly stopped: boolean;
  readonly memory: GroupSample | null;
}

/** An engine that builds in a Job of its own. */
export interface JobEngine {
  readonly name: BuilderName;
  capabilities(signal?: AbortSignal): Promise<BuilderCapabilities>;
  /** Makes what all Jobs need. */
  prepare(): Promise<void>;
  pod(plan: ResolvedPlan, capabilities: BuilderCapabilities): BuildPod;
  openProgress(): EngineProgress;
  /** The container that the source is sent to, and the shell that is in it. */
  readonly source: { readonly container: (typeof container)['build' | 'source']; readonly shell: readonly string[] };
  /** Where progress is read: a file of the pod, or what the container prints. */
  readonly progress: 'file' | 'log';
  /** The memory that a build may use, as its Job says. */
  memoryLimit(job: Job): number | null;
}

export type NamedPlan = Pick<ImageBuildPlan, 'name' | 'service' | 'output'>;
