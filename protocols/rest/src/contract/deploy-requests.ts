import { z } from 'zod';
import { Deploy, DeployStatus } from './deploys.ts';
import { Environment, Revision } from './environments.ts';
import { GitSha, ManifestHash } from './fields.ts';
import { PipelineRun, Step } from './pipelines.ts';
import { ImageDigests, Release } from './releases.ts';

export const RequestDeploy = z.strictObject({
  git_sha: GitSha.nullish(),
  manifest_hash: ManifestHash.nullish().describe('with git_sha'),
  release_tag: z.string().min(1).max(128).nullish().describe('instead of git_sha'),
  image_digests: ImageDigests.nullish(),
  image_tag: z.string().min(1).max(128).nullish(),
  direct: z.boolean().nullish().describe('past the pipeline of the environment'),
  inputs: z.record(z.string(), z.unknown()).nullish(),
  skip_preflight: z.boolean().nullish().describe('accepted, not used'),
});
export type RequestDeploy = z.input<typeof RequestDeploy>;

/** `pipeline_run` where the environment has a pipeline; else `release`, `revision` and `deploy`. */
export const DeployAnswer = z
  .object({
    environment: Environment,
    pipeline_run: z.object({ run: PipelineRun, steps: z.array(Step) }).optional(),
    release: Release.optional(),
    revision: Revision.optional(),
    deploy: Deploy.optional(),
    deployment_status: z
      .object({
        env_id: z.string(),
        current_release_id: z.string(),
        state: z.enum(['pending', 'deploying', 'ready', 'failed', 'unknown']),
      })
      .optional(),
    poll_url: z.string().describe('what to ask for the outcome'),
  })
  .meta({ id: 'DeployAnswer' });
export type DeployAnswer = z.infer<typeof DeployAnswer>;

const target = z.union([z.string().min(1).max(128), z.int().positive()]);

export const RequestRollback = z.strictObject({
  to: target.nullish().describe('previous (the default), a revision number, a release tag or id'),
  release: target.nullish().describe('the same as to'),
  dry_run: z.boolean().nullish(),
  skip_preflight: z.boolean().nullish().describe('accepted, not used'),
});
export type RequestRollback = z.input<typeof RequestRollback>;

export const RollbackAnswer = z
  .object({
    environment: Environment,
    deploy: Deploy.nullable().describe('null for a dry run'),
    revision: Revision.nullable(),
    target: Revision,
    release: Release,
    target_status: DeployStatus.nullable().describe(
      'how the deploy of the target ended; only a healthy one has served',
    ),
    plan: z.array(
      z.object({
        service: z.string(),
        kind: z.enum(['start', 'keep', 'replace', 'remove']),
        reason: z.string(),
        instances: z.int(),
      }),
    ),
  })
  .meta({ id: 'RollbackAnswer' });
export type RollbackAnswer = z.infer<typeof RollbackAnswer>;
