import {
  type Deploy,
  type DeployCause,
  type DeployId,
  type DeployStatus,
  type Environment,
  PlatformError,
  type ProjectId,
  type Release,
  type Revision,
  waitsForItsTurn,
} from '@eve/domain';
import { authorize, type Caller } from '../caller.ts';
import { getEnvironment } from '../environments/get-environment.ts';
import type { Platform } from '../platform.ts';
import type { Instance } from '../ports/deployer.ts';
import type { DeployFilter, Listed, Page } from '../ports/stored.ts';
import { findProject } from '../projects/get-project.ts';
import { getRelease } from '../releases/read-releases.ts';

/** One deploy. Throws `deploy_not_found`. */
export async function getDeploy(
  { store }: Pick<Platform, 'store'>,
  caller: Caller,
  deployId: DeployId,
): Promise<Deploy> {
  const deploy = await store.deploys.get(caller.tenantId, deployId);
  authorize(caller, 'read', deploy.projectId);
  return deploy;
}

/** A deploy with what it brings where. */
export interface DescribedDeploy {
  readonly deploy: Deploy;
  readonly environment: Environment;
  readonly revision: Revision;
  readonly release: Release;
}

/** As getDeploy, with its environment, revision and release. */
export async function describeDeploy(
  platform: Pick<Platform, 'store'>,
  caller: Caller,
  deployId: DeployId,
): Promise<DescribedDeploy> {
  return described(platform, await getDeploy(platform, caller, deployId));
}

async function described({ store }: Pick<Platform, 'store'>, deploy: Deploy): Promise<DescribedDeploy> {
  const { tenantId } = deploy;
  const [environment, revision] = await Promise.all([
    store.environments.get(tenantId, deploy.environmentId),
    store.revisions.get(tenantId, deploy.revisionId),
  ]);
  return { deploy, environment, revision, release: await store.releases.get(tenantId, revision.releaseId) };
}

/** What a deploy has started and still runs or stands there, read back from the runtime. */
export async function deployInstances(
  platform: Pick<Platform, 'store' | 'deployer'>,
  caller: Caller,
  deployId: DeployId,
): Promise<readonly Instance[]> {
  const deploy = await getDeploy(platform, caller, deployId);
  const instances = await platform.deployer.observe(deploy.environmentId);
  return instances.filter((instance) => instance.deployId === deploy.id);
}

/** The deploy of the same environment that a waiting one waits for; null when there is none, or it does not wait. */
export async function deployBefore({ store }: Pick<Platform, 'store'>, deploy: Deploy): Promise<Deploy | null> {
  const { id, tenantId, environmentId } = deploy;
  const active = waitsForItsTurn(deploy) ? await store.deploys.active(tenantId, environmentId) : null;
  return active?.id === id ? null : active;
}

/** The deploys of an environment, newest first. */
export async function listDeploys(
  platform: Pick<Platform, 'store'>,
  caller: Caller,
  projectId: ProjectId,
  envName: string,
  page: Page & { status?: DeployStatus },
): Promise<Listed<Deploy>> {
  const environment = await getEnvironment(platform, caller, projectId, envName);
  return platform.store.deploys.list(environment.tenantId, environment.id, page);
}

/** Which deploys of a project; everything is optional. */
export interface DeploysAskedFor {
  readonly envName?: string;
  readonly status?: DeployStatus;
  readonly cause?: DeployCause;
  readonly createdBy?: string;
  /** A tag or id. */
  readonly release?: string;
  readonly since?: Date;
}

/** The deploys of a project, newest first. Throws `environment_not_found`, `release_not_found`. */
export async function listProjectDeploys(
  platform: Pick<Platform, 'store'>,
  caller: Caller,
  projectId: ProjectId,
  page: Page & DeploysAskedFor,
): Promise<Listed<DescribedDeploy>> {
  const { envName, release, ...rest } = page;
  const { tenantId } = await findProject(platform, caller, 'read', projectId);
  const environment = envName === undefined ? null : await getEnvironment(platform, caller, projectId, envName);
  const ofRelease = release === undefined ? null : await getRelease(platform, caller, release, projectId);
  if (ofRelease && ofRelease.projectId !== projectId)
    throw new PlatformError('release_not_found', `The project has no release ${release}.`);
  const filter: Page & DeployFilter = {
    ...rest,
    ...(environment && { environmentId: environment.id }),
    ...(ofRelease && { releaseId: ofRelease.id }),
  };
  const { items, nextCursor } = await platform.store.deploys.listOfProject(tenantId, projectId, filter);
  return { items: await Promise.all(items.map((deploy) => described(platform, deploy))), nextCursor };
}
