import {
  type Deploy,
  type Environment,
  type EnvironmentRules,
  environmentRules,
  type Release,
  type Revision,
} from '@eve/domain';
import type { ImageOwner } from '../builds/image-place.ts';
import type { Platform, Settings } from '../platform.ts';
import type { DeployTarget } from '../ports/deployer.ts';
import { registryLogins } from '../registry/registry-login.ts';
import { resolveSecrets } from '../secrets/resolve-secrets.ts';
import { deployTarget } from './deploy-target.ts';
import { manifestOf } from './manifest-of.ts';
import { reusableInstances } from './reusable-instances.ts';
import { secretsOfRevision } from './revision-secrets.ts';

const loginMs = 30 * 60_000;
const lastingYears = 10;

/** What an executing deploy knows; `deploy` is the newest state that was written, and `target` names only what may be taken up. */
export interface DeployContext {
  deploy: Deploy;
  readonly environment: Environment;
  readonly revision: Revision;
  readonly owner: ImageOwner;
  target: DeployTarget;
  /** Of the environment, by its settings and this revision's manifest. */
  readonly rules: EnvironmentRules;
  readonly secretValues: readonly string[];
  /** Deleted since the deploy was asked for. */
  readonly missingSecrets: readonly string[];
}

async function buildOf({ store }: Pick<Platform, 'store'>, { tenantId, buildId }: Release) {
  if (buildId === null) return null;
  const { number } = await store.buildSpecs.get(tenantId, buildId);
  const [artifact] = await store.buildArtifacts.listOfBuild(tenantId, buildId);
  return { number, builtAt: artifact?.createdAt ?? null };
}

/** To whom a login is given and until when. One that lasts is the same for each deploy of a year, so that nothing changes for it. */
function loginTerm({ lastingLogins }: Pick<Settings, 'lastingLogins'>, { id, environmentId }: Deploy, at: Date) {
  return lastingLogins
    ? { subject: environmentId, expiresAt: new Date(Date.UTC(at.getUTCFullYear() + lastingYears, 0, 1)) }
    : { subject: id, expiresAt: new Date(at.getTime() + loginMs) };
}

/** Loads a deploy's revision and resolves its images, configuration and secrets into a target. */
export async function loadDeployContext(
  platform: Pick<Platform, 'store' | 'vault' | 'registryLogins' | 'settings' | 'now'>,
  deploy: Deploy,
): Promise<DeployContext> {
  const { store, settings, now } = platform;
  const { tenantId, projectId } = deploy;
  const environment = await store.environments.get(tenantId, deploy.environmentId);
  const revision = await store.revisions.get(tenantId, deploy.revisionId);
  const release = await store.releases.get(tenantId, revision.releaseId);
  const config = await store.configVersions.get(tenantId, revision.configVersionId);
  const project = await store.projects.get(tenantId, projectId);
  const organisation = await store.organisations.get(tenantId);
  const owner = { organisation: organisation.slug, project: project.slug };
  const manifest = await manifestOf(platform, release);

  const names = secretsOfRevision(manifest, environment.name, config);
  const { values: secrets, missing } = await resolveSecrets(platform, project, names, revision.secretVersions);
  const logins = await registryLogins(
    platform,
    manifest,
    { ...owner, tenantId, projectId },
    { ...loginTerm(settings, deploy, now()), actions: ['pull'] },
  );
  return {
    deploy,
    environment,
    revision,
    owner,
    target: deployTarget({
      deploy,
      environment,
      revision,
      release,
      build: await buildOf(platform, release),
      manifest,
      config,
      secrets,
      logins,
      owner,
      settings,
      reusable: await reusableInstances(platform, environment),
    }),
    rules: environmentRules(environment, manifest, settings),
    secretValues: [...Object.values(secrets), ...logins.map(({ password }) => password)],
    missingSecrets: missing,
  };
}
