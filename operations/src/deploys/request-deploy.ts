import {
  type Deploy,
  type Environment,
  type PipelineRun,
  PlatformError,
  type Project,
  type ProjectId,
  type Release,
  type Revision,
  type Step,
} from '@eve/domain';
import { authorize, type Caller } from '../caller.ts';
import { createPipelineRun, pipelineFor } from '../pipelines/start-pipeline-run.ts';
import type { Platform } from '../platform.ts';
import { freeze } from '../releases/create-release.ts';
import type { ImageChoice } from '../releases/resolve-images.ts';
import { type CommitAskedFor, commitAskedFor, releaseAskedFor } from './asked-for.ts';
import { choiceFor, hasLocalImages } from './choose-images.ts';
import { environmentFor } from './environment-for.ts';
import { queueDeploy, refuseSuspended } from './queue-deploy.ts';

export interface RequestDeploy {
  readonly projectId: ProjectId;
  readonly envName: string;
  readonly gitSha?: string;
  readonly manifestHash?: string;
  readonly releaseTag?: string;
  readonly imageDigests?: Readonly<Record<string, string>>;
  readonly imageTag?: string;
  readonly direct?: boolean;
  readonly inputs?: Readonly<Record<string, unknown>>;
}

export type DeployAnswer = { readonly environment: Environment } & (
  | { readonly pipelineRun: PipelineRun; readonly steps: readonly Step[] }
  | { readonly deploy: Deploy; readonly revision: Revision; readonly release: Release }
);

type Needs = Pick<
  Platform,
  'store' | 'vault' | 'registryLogins' | 'registry' | 'settings' | 'now' | 'newId' | 'deployer' | 'log'
>;

/**
 * Deploys a commit or a release to an environment: through the environment's pipeline, or directly. The environment is made when
 * the manifest allows it. Throws `deploy_request_invalid`, `environment_not_found`, `release_ref_mismatch` and what building up
 * the revision throws.
 */
export async function requestDeploy(platform: Needs, caller: Caller, request: RequestDeploy): Promise<DeployAnswer> {
  const { projectId, envName } = request;
  authorize(caller, 'deploy', projectId);
  const project = await platform.store.projects.get(caller.tenantId, projectId);
  const release = await releaseAskedFor(platform, caller, request);
  const commit = await commitAskedFor(platform, caller, request, release);
  const environment = await environmentFor(platform, caller, project, commit.manifest, envName);

  refuseSuspended(environment);
  if (release?.local) await refuseElsewhere(platform, environment, release);

  if (release && request.direct) {
    return {
      environment,
      release,
      ...(await queueDeploy(platform, { environment, release, cause: 'direct', actor: caller.actor })),
    };
  }
  const byHand = request.direct || request.imageDigests !== undefined || request.imageTag !== undefined;
  if (!byHand) {
    const asked = pipelineFor(commit.manifest, envName);
    const local = !release && !asked.configured && (await hasLocalImages(platform, project, commit.manifest));
    if (!local) {
      const setting = commit.manifest.environments[envName];
      const inputs = { ...setting?.pipelineInputs, ...request.inputs, ...(release && { release_id: release.id }) };
      const made = await createPipelineRun(platform, caller, {
        project,
        environment,
        pipeline: asked.pipeline,
        ...commit,
        inputs,
      });
      return { environment, pipelineRun: made.run, steps: made.steps };
    }
    return deployDirectly(platform, caller, project, environment, commit, { kind: 'local', tag: 'local' });
  }
  return deployDirectly(
    platform,
    caller,
    project,
    environment,
    commit,
    await choiceFor(platform, caller, request, commit),
  );
}

/** An image that only this machine's engine holds is not promoted: it serves where it was first deployed. */
async function refuseElsewhere({ store }: Needs, environment: Environment, { id }: Release): Promise<void> {
  const { items } = await store.revisions.list(environment.tenantId, environment.id, { limit: 100 });
  if (items.some(({ releaseId }) => releaseId === id)) return;
  throw new PlatformError(
    'deploy_request_invalid',
    `Release ${id} was made of images that only the local engine holds: build and release the commit, then deploy that.`,
  );
}

async function deployDirectly(
  platform: Needs,
  caller: Caller,
  project: Project,
  environment: Environment,
  { manifest, manifestHash, gitSha }: CommitAskedFor,
  choice: ImageChoice,
): Promise<DeployAnswer> {
  const buildId = choice.kind === 'artifacts' ? (choice.artifacts[0]?.buildId ?? null) : null;
  const release = await freeze(
    platform,
    caller,
    { project, manifest, manifestHash, gitSha, buildId, choice },
    { tag: null, version: null },
  );
  return {
    environment,
    release,
    ...(await queueDeploy(platform, { environment, release, cause: 'direct', actor: caller.actor })),
  };
}
