import {
  type Deploy,
  type DeployStatus,
  type Environment,
  isId,
  PlatformError,
  type ProjectId,
  type Release,
  type Revision,
} from '@eve/domain';
import { renderImage } from '../builds/image-place.ts';
import { authorize, type Caller } from '../caller.ts';
import { getEnvironment } from '../environments/get-environment.ts';
import type { Platform } from '../platform.ts';
import type { PlannedChange } from '../ports/deployer.ts';
import { loginFor, registryLogins } from '../registry/registry-login.ts';
import { getRelease } from '../releases/read-releases.ts';
import { loadDeployContext } from './deploy-context.ts';
import { manifestOf, queueDeploy } from './queue-deploy.ts';

export interface Rollback {
  readonly projectId: ProjectId;
  readonly envName: string;
  /** `previous` (the default), a revision's number, or a release's tag or id. */
  readonly to?: string;
  readonly dryRun?: boolean;
}

export interface RollbackAnswer {
  readonly environment: Environment;
  readonly target: Revision;
  readonly release: Release;
  /** How the target's own deploy ended: one that is not healthy never served as it should. */
  readonly targetStatus: DeployStatus | null;
  readonly plan: readonly PlannedChange[];
  /** Null for a dry run. */
  readonly deploy: Deploy | null;
  readonly revision: Revision | null;
}

/**
 * Brings an earlier revision back, with its images, manifest, configuration and secret versions, as a new revision through the
 * same gates as any deploy. Throws `rollback_target_missing` when there is none, or its images have gone.
 */
export async function rollbackEnvironment(
  platform: Platform,
  caller: Caller,
  request: Rollback,
): Promise<RollbackAnswer> {
  const { projectId, envName, to = 'previous', dryRun = false } = request;
  authorize(caller, 'deploy', projectId);
  const { store } = platform;
  const environment = await getEnvironment(platform, caller, projectId, envName);
  const target = await revisionFor(platform, caller, environment, to);
  const release = await store.releases.get(caller.tenantId, target.releaseId);
  await checkImages(platform, release);
  const plan = await planOf(platform, environment, target);
  const targetStatus = (await store.deploys.ofRevisions(caller.tenantId, [target.id])).at(-1)?.status ?? null;
  const answer = { environment, target, release, targetStatus, plan };
  if (dryRun) return { ...answer, deploy: null, revision: null };

  const made = await queueDeploy(platform, {
    environment,
    release,
    cause: 'rollback',
    actor: caller.actor,
    configVersionId: target.configVersionId,
    secretVersions: target.secretVersions,
    restoredFrom: target.id,
  });
  return { ...answer, ...made };
}

async function revisionFor(
  platform: Platform,
  caller: Caller,
  environment: Environment,
  to: string,
): Promise<Revision> {
  const { store } = platform;
  const { tenantId, id } = environment;
  const missing = (message: string) => new PlatformError('rollback_target_missing', message);
  if (to === 'previous') {
    const deploy = await store.deploys.previousHealthy(tenantId, id, environment.currentRevisionId);
    if (!deploy) throw missing(`Environment ${environment.name} has no earlier revision that was healthy.`);
    return store.revisions.get(tenantId, deploy.revisionId);
  }
  const digits = /^(?:.*#)?([1-9][0-9]{0,8})$/.exec(to)?.[1];
  if (digits !== undefined) {
    const number = Number(digits);
    const revision = await store.revisions.findByNumber(tenantId, id, number);
    if (!revision)
      throw missing(
        `Environment ${environment.name} has no revision ${number}: see \`eve env history ${environment.name}\`.`,
      );
    return revision;
  }
  if (isId('rev', to)) {
    const revision = await store.revisions.get(tenantId, to);
    if (revision.environmentId === id) return revision;
  }
  const release = await getRelease(platform, caller, to, environment.projectId);
  const { items } = await store.revisions.list(tenantId, id, { limit: 100 });
  const revision = items.find(({ releaseId }) => releaseId === release.id);
  if (!revision)
    throw missing(
      `Release ${to} never ran in ${environment.name}: deploy it with \`eve env deploy ${environment.name} --release-tag ${to}\`.`,
    );
  return revision;
}

/** Offers only what can be restored: every image must still be in its registry. */
async function checkImages(platform: Platform, release: Release): Promise<void> {
  if (release.local) return;
  const project = await platform.store.projects.get(release.tenantId, release.projectId);
  const organisation = await platform.store.organisations.get(release.tenantId);
  const owner = {
    organisation: organisation.slug,
    project: project.slug,
    tenantId: release.tenantId,
    projectId: release.projectId,
  };
  const expiresAt = new Date(platform.now().getTime() + 5 * 60_000);
  const logins = await registryLogins(platform, await manifestOf(platform, release), owner, {
    subject: release.id,
    actions: ['pull'],
    expiresAt,
  });
  for (const [service, { image, digest }] of Object.entries(release.images)) {
    const reference = renderImage(platform.settings, image, digest);
    if (!(await platform.registry.inspect(reference, loginFor(logins, image, platform.settings)))) {
      throw new PlatformError(
        'rollback_target_missing',
        `The image of service ${service} has gone from the registry: ${reference}.`,
      );
    }
  }
}

/** What going back would change, asked of the deployer with the target's parts. */
async function planOf(
  platform: Platform,
  environment: Environment,
  target: Revision,
): Promise<readonly PlannedChange[]> {
  const { items } = await platform.store.deploys.list(environment.tenantId, environment.id, { limit: 1 });
  const [newest] = items;
  if (!newest) return [];
  const context = await loadDeployContext(platform, { ...newest, revisionId: target.id });
  return platform.deployer.plan(context.target);
}
