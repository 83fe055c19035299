import {
  type Environment,
  isEnvironmentName,
  noEnvironmentSettings,
  PlatformError,
  type Project,
  type Release,
  type Revision,
} from '@eve/domain';
import { authorize, type Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import { type ImageChoice, resolveImages } from '../releases/resolve-images.ts';
import { type DeployPlan, planOf } from './deploy-plan.ts';
import { undefinedEnvironment } from './environment-for.ts';
import { prepareDeploy } from './prepare-deploy.ts';
import { refusalsNow } from './request-deploy.ts';
import { type RequestDeploy, type SettledRequest, settleRequest } from './settle-request.ts';

export interface PlannedDeploy extends DeployPlan {
  readonly environment: Pick<Environment, 'name'>;
  /** It is made by the deploy. */
  readonly environmentIsNew: boolean;
  /** What serves now. */
  readonly from: { readonly revision: Revision; readonly release: Release } | null;
  /** What would serve; null while nothing is built. */
  readonly release: Release | null;
  /** It is made by the deploy, or by the pipeline before it. */
  readonly releaseIsNew: boolean;
  /** The pipeline that it goes through. */
  readonly pipeline: string | null;
}

type Needs = Pick<
  Platform,
  'store' | 'vault' | 'registryLogins' | 'registry' | 'settings' | 'now' | 'newId' | 'deployer' | 'log'
>;

/** What a request for a deploy would do, and what stands against it. Writes nothing; throws what reading the request throws. */
export async function planDeploy(platform: Needs, caller: Caller, request: RequestDeploy): Promise<PlannedDeploy> {
  authorize(caller, 'read', request.projectId);
  const { store } = platform;
  const settled = await settleRequest(platform, caller, request);
  const { project, commit, way, strategy } = settled;
  const { manifest } = commit;
  const found = await store.environments.findByName(project.tenantId, project.id, request.envName);
  const environment = found ?? imagined(platform, project, settled, request.envName);
  const choice = way.kind === 'images' ? way.choice : await lastBuilt(platform, settled);
  const made = settled.release ?? (choice && (await draft(platform, settled, choice)));
  const config = found ? await store.configVersions.latest(found.tenantId, found.id) : null;
  const release = made ?? unbuilt(platform, settled);
  const cause = way.kind === 'pipeline' ? ('pipeline' as const) : ('direct' as const);
  const parts = { environment, release, manifest, config, cause, strategy };
  const prepared = await prepareDeploy(platform, parts);
  // What a pipeline makes gets its tag there.
  const refusals = way.kind === 'images' ? prepared.refusals : await refusalsNow(platform, environment, settled);
  const plan = await planOf(platform, parts, { ...prepared, refusals }, { built: made !== null });
  const current = environment.currentRevisionId
    ? await store.revisions.get(environment.tenantId, environment.currentRevisionId)
    : null;
  return {
    ...plan,
    environment,
    environmentIsNew: found === null,
    from: current && { revision: current, release: await store.releases.get(current.tenantId, current.releaseId) },
    release: made,
    releaseIsNew: settled.release === null,
    pipeline: way.kind === 'pipeline' ? way.pipeline.name : null,
  };
}

/** What a pipeline would deploy when its build was done already. */
async function lastBuilt(
  { store }: Pick<Platform, 'store'>,
  { project, commit: { gitSha, manifestHash }, release }: SettledRequest,
): Promise<ImageChoice | null> {
  if (release || gitSha === null) return null;
  const newest = await store.buildArtifacts.findComplete(project.tenantId, project.id, gitSha, manifestHash);
  return newest && { kind: 'artifacts', artifacts: newest.artifacts };
}

function unbuilt({ newId, now }: Needs, { project, commit }: SettledRequest): Release {
  return {
    id: newId('rel'),
    tenantId: project.tenantId,
    projectId: project.id,
    gitSha: commit.gitSha,
    manifestHash: commit.manifestHash,
    images: {},
    buildId: null,
    version: null,
    tag: null,
    local: false,
    createdBy: null,
    createdAt: now(),
  };
}

async function draft(platform: Needs, settled: SettledRequest, choice: ImageChoice): Promise<Release> {
  const images = await resolveImages(platform, settled.project, settled.commit.manifest, choice);
  return { ...unbuilt(platform, settled), images, local: choice.kind === 'local' };
}

/** An environment as its first deploy would make it. */
function imagined({ newId, now }: Needs, project: Project, { commit }: SettledRequest, name: string): Environment {
  const refused = undefinedEnvironment(commit.manifest, name);
  if (refused) throw refused;
  if (!isEnvironmentName(name))
    throw new PlatformError('environment_not_found', `"${name}" is no name of an environment.`);
  return {
    id: newId('env'),
    tenantId: project.tenantId,
    projectId: project.id,
    name,
    kind: commit.manifest.environments[name]?.kind ?? 'persistent',
    status: 'active',
    suspendedReason: null,
    settings: noEnvironmentSettings,
    lock: null,
    currentRevisionId: null,
    lastDeployId: null,
    createdAt: now(),
  };
}
