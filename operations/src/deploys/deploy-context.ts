import { type Deploy, type Environment, type EnvironmentRules, environmentRules, type Revision } from '@eve/domain';
import type { ImageOwner } from '../builds/image-place.ts';
import type { Platform } from '../platform.ts';
import type { DeployTarget } from '../ports/deployer.ts';
import { registryLogins } from '../registry/registry-login.ts';
import { resolveSecrets } from '../secrets/resolve-secrets.ts';
import { deployTarget } from './deploy-target.ts';
import { manifestOf } from './manifest-of.ts';
import { reusableInstances } from './reusable-instances.ts';
import { secretsOfRevision } from './revision-secrets.ts';

const loginMs = 30 * 60_000;

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
    {
      subject: deploy.id,
      actions: ['pull'],
      expiresAt: new Date(now().getTime() + loginMs),
    },
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
