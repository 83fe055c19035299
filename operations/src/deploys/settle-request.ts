import { type Pipeline, PlatformError, type Project, type ProjectId, type Release, type Strategy } from '@eve/domain';
import type { Caller } from '../caller.ts';
import { strategyFrom } from '../manifests/read-strategy.ts';
import { pipelineFor } from '../pipelines/start-pipeline-run.ts';
import type { Platform } from '../platform.ts';
import type { ImageChoice } from '../releases/resolve-images.ts';
import { type CommitAskedFor, commitAskedFor, releaseAskedFor } from './asked-for.ts';
import { choiceFor, hasLocalImages } from './choose-images.ts';

export interface RequestDeploy {
  readonly projectId: ProjectId;
  readonly envName: string;
  readonly gitSha?: string;
  readonly manifestHash?: string;
  readonly releaseTag?: string;
  readonly imageDigests?: Readonly<Record<string, string>>;
  readonly imageTag?: string;
  readonly direct?: boolean;
  /** Of the pipeline; `release_tag`, `release_id` and `strategy` in them are understood without one too. */
  readonly inputs?: Readonly<Record<string, unknown>>;
  /** In the words of the manifest; wins over what environment and manifest say. */
  readonly strategy?: unknown;
}

/** How a request goes on: what it deploys is there, is made from images, or comes out of a pipeline. */
export type Way =
  | { readonly kind: 'release'; readonly release: Release }
  | { readonly kind: 'images'; readonly choice: ImageChoice }
  | { readonly kind: 'pipeline'; readonly pipeline: Pipeline; readonly inputs: Readonly<Record<string, unknown>> };

export interface SettledRequest {
  readonly project: Project;
  /** The one that was asked for; null when one is made. */
  readonly release: Release | null;
  readonly commit: CommitAskedFor;
  readonly way: Way;
  readonly strategy: Strategy | undefined;
}

/**
 * Reads what a request means; writes nothing. Throws `deploy_request_invalid`, `release_not_found`, `release_ref_mismatch`,
 * `strategy_invalid`, `artifacts_missing`.
 */
export async function settleRequest(
  platform: Pick<Platform, 'store' | 'settings' | 'deployer'>,
  caller: Caller,
  request: RequestDeploy,
): Promise<SettledRequest> {
  const { projectId, envName, imageDigests, imageTag, direct, inputs } = request;
  const project = await platform.store.projects.get(caller.tenantId, projectId);
  const release = await releaseAskedFor(platform, caller, request);
  const byImages = imageDigests !== undefined || imageTag !== undefined;
  if (imageDigests !== undefined && imageTag !== undefined)
    throw new PlatformError('deploy_request_invalid', 'Give image_digests or image_tag, not both.');
  if (release && byImages) {
    throw new PlatformError(
      'deploy_request_invalid',
      `Release ${release.tag ?? release.id} names its images already: leave image_digests and image_tag out.`,
    );
  }
  const words = request.strategy ?? inputs?.strategy;
  const strategy = words === undefined || words === null ? undefined : strategyFrom(words);
  const commit = await commitAskedFor(platform, caller, request, release);
  const settled = { project, release, commit, strategy };

  if (release && direct) return { ...settled, way: { kind: 'release', release } };
  if (direct || byImages)
    return { ...settled, way: { kind: 'images', choice: await choiceFor(platform, caller, request, commit) } };
  const asked = pipelineFor(commit.manifest, envName);
  if (!release && !asked.configured && (await hasLocalImages(platform, project, commit.manifest)))
    return { ...settled, way: { kind: 'images', choice: { kind: 'local', tag: 'local' } } };
  const defaults = commit.manifest.environments[envName]?.pipelineInputs;
  const named = { ...(release && { release_id: release.id }), ...(words !== undefined && { strategy: words }) };
  return {
    ...settled,
    way: { kind: 'pipeline', pipeline: asked.pipeline, inputs: { ...defaults, ...inputs, ...named } },
  };
}
