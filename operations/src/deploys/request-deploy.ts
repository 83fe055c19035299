import {
  type Deploy,
  type Environment,
  type Manifest,
  type PipelineRun,
  PlatformError,
  type Project,
  type ProjectId,
  type Release,
  type Revision,
  type Step,
} from '@eve/domain';
import { manifestForCommit } from '../builds/create-build.ts';
import { authorize, type Caller } from '../caller.ts';
import { createPipelineRun, pipelineFor } from '../pipelines/start-pipeline-run.ts';
import type { Platform } from '../platform.ts';
import { freeze } from '../releases/create-release.ts';
import { getRelease } from '../releases/read-releases.ts';
import type { ImageChoice } from '../releases/resolve-images.ts';
import { choiceFor, hasLocalImages } from './choose-images.ts';
import { environmentFor } from './environment-for.ts';
import { manifestOf, queueDeploy, refuseSuspended } from './queue-deploy.ts';

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

interface Commit {
  readonly gitSha: string | null;
  readonly manifestHash: string;
  readonly manifest: Manifest;
}

async function releaseAskedFor(
  platform: Needs,
  caller: Caller,
  { projectId, releaseTag, inputs }: RequestDeploy,
): Promise<Release | null> {
  const named = releaseTag ?? inputs?.release_id ?? inputs?.release_tag;
  if (named === undefined || named === null) return null;
  if (typeof named !== 'string')
    throw new PlatformError('deploy_request_invalid', 'inputs.release_id and inputs.release_tag must be texts.');
  const release = await getRelease(platform, caller, named, projectId);
  if (release.projectId !== projectId)
    throw new PlatformError('release_not_found', `The project has no release ${named}.`);
  return release;
}

async function commitAskedFor(
  platform: Needs,
  caller: Caller,
  request: RequestDeploy,
  release: Release | null,
): Promise<Commit> {
  const { gitSha, manifestHash, projectId } = request;
  if (release) {
    if (gitSha !== undefined && release.gitSha !== gitSha) {
      throw new PlatformError(
        'release_ref_mismatch',
        `Release ${release.tag ?? release.id} was made of ${release.gitSha}, the request names ${gitSha}: leave one of them out.`,
      );
    }
    return {
      gitSha: release.gitSha,
      manifestHash: release.manifestHash,
      manifest: await manifestOf(platform, release),
    };
  }
  if (gitSha === undefined || manifestHash === undefined) {
    throw new PlatformError(
      'deploy_request_invalid',
      'Deploy request requires release_tag or both git_sha and manifest_hash.',
    );
  }
  return { gitSha, manifestHash, manifest: await manifestForCommit(platform, caller, projectId, gitSha, manifestHash) };
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
  { manifest, manifestHash, gitSha }: Commit,
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
