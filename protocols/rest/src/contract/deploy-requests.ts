import { z } from 'zod';
import { Deploy, DeployStatus } from './deploys.ts';
import { Environment, Revision } from './environments.ts';
import { GitSha, ManifestHash } from './fields.ts';
import { PipelineRun, Step } from './pipelines.ts';
import { ImageDigests, Release } from './releases.ts';
import { AskedStrategy, Strategy } from './strategies.ts';

export const RequestDeploy = z.strictObject({
  git_sha: GitSha.nullish(),
  manifest_hash: ManifestHash.nullish().describe('with git_sha'),
  release_tag: z.string().min(1).max(128).nullish().describe('instead of git_sha'),
  image_digests: ImageDigests.nullish(),
  image_tag: z.string().min(1).max(128).nullish(),
  direct: z.boolean().nullish().describe('past the pipeline of the environment'),
  inputs: z
    .record(z.string(), z.unknown())
    .nullish()
    .describe('of the pipeline; release_tag or release_id in them deploy that release'),
  strategy: AskedStrategy.nullish().describe('instead of what environment and manifest say'),
  dry_run: z.boolean().nullish().describe('answers with a DeployPlan and changes nothing'),
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
    warnings: z.array(z.string()).optional(),
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

/** What would change of one service. Names of variables, never values. */
export const ServicePlan = z
  .object({
    service: z.string(),
    kind: z.enum(['start', 'keep', 'replace', 'remove']),
    reason: z.string(),
    instances: z.int(),
    image: z.object({ from: z.string().nullable(), to: z.string().nullable() }).describe('digests'),
    replicas: z.object({ from: z.int(), to: z.int() }),
    configuration: z.object({
      added: z.array(z.string()),
      changed: z.array(z.string()),
      removed: z.array(z.string()),
    }),
  })
  .meta({ id: 'ServicePlan' });
export type ServicePlan = z.infer<typeof ServicePlan>;

const planned = {
  strategy: Strategy,
  approval: z.boolean().describe('it would wait for somebody who approves it'),
  release_commands: z.array(z.object({ service: z.string(), command: z.array(z.string()) })),
  warnings: z.array(z.string()),
  refusals: z.array(z.object({ code: z.string(), message: z.string() })).describe('why it would be refused now'),
};

/** What a deploy would do. */
export const DeployPlan = z
  .object({
    dry_run: z.literal(true),
    env_name: z.string(),
    environment_is_new: z.boolean(),
    from: z.object({ revision: Revision, release: Release }).nullable().describe('what serves now'),
    release: Release.nullable().describe('what would serve; null while nothing of it is built'),
    release_is_new: z.boolean(),
    pipeline: z.string().nullable().describe('what it goes through'),
    services: z.array(ServicePlan),
    ...planned,
  })
  .meta({ id: 'DeployPlan' });
export type DeployPlan = z.infer<typeof DeployPlan>;

const target = z.union([z.string().min(1).max(128), z.int().positive()]);

export const RequestRollback = z
  .strictObject({
    to: target.nullish().describe('previous (the default), a revision such as 12 or staging#12, a release tag or id'),
    release: target.nullish().describe('the same as to'),
    previous: z.boolean().nullish().describe('the same as to: previous'),
    code_only: z.boolean().nullish().describe('the release of the target with the configuration of today'),
    config_only: z.boolean().nullish().describe('the release of today with the configuration of the target'),
    strategy: AskedStrategy.nullish().describe('the traffic moves at once unless given'),
    dry_run: z.boolean().nullish(),
    skip_preflight: z.boolean().nullish().describe('accepted, not used'),
  })
  .refine(({ code_only, config_only }) => !(code_only && config_only), {
    path: ['config_only'],
    message: 'cannot stand beside code_only: leave both out to bring everything back',
  });
export type RequestRollback = z.input<typeof RequestRollback>;

export const RollbackAnswer = z
  .object({
    environment: Environment,
    deploy: Deploy.nullable().describe('null for a dry run'),
    revision: Revision.nullable(),
    target: Revision,
    release: Release.describe('what serves after it'),
    target_status: DeployStatus.nullable().describe(
      'how the deploy of the target ended; only a healthy one has served',
    ),
    plan: z.array(ServicePlan),
    ...planned,
  })
  .meta({ id: 'RollbackAnswer' });
export type RollbackAnswer = z.infer<typeof RollbackAnswer>;
