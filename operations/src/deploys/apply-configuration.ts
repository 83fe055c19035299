import { configChanges, type Deploy, type ProjectId } from '@eve/domain';
import type { Caller } from '../caller.ts';
import { findEnvironment } from '../environments/get-environment.ts';
import type { Platform } from '../platform.ts';
import { resolveSecrets } from '../secrets/resolve-secrets.ts';
import { manifestOf } from './manifest-of.ts';
import { queueDeploy } from './queue-deploy.ts';
import { secretsOfRevision } from './revision-secrets.ts';

export interface AppliedConfiguration {
  /** Null when what runs has all of it already, or nothing runs. */
  readonly deploy: Deploy | null;
  /** How many values are other ones in the newest configuration. */
  readonly changes: number;
  /** Secrets that have another value since. */
  readonly secrets: readonly string[];
  readonly running: boolean;
}

/** Deploys the release that runs with the newest configuration and the newest values of its secrets, where these are others. */
export async function applyConfiguration(
  platform: Pick<Platform, 'store' | 'now' | 'newId' | 'vault' | 'settings'>,
  caller: Caller,
  projectId: ProjectId,
  name: string,
): Promise<AppliedConfiguration> {
  const { store } = platform;
  const environment = await findEnvironment(platform, caller, 'configure', projectId, name);
  const { tenantId, id, currentRevisionId } = environment;
  if (!currentRevisionId) return { deploy: null, changes: 0, secrets: [], running: false };
  const current = await store.revisions.get(tenantId, currentRevisionId);
  const release = await store.releases.get(tenantId, current.releaseId);
  const running = await store.configVersions.get(tenantId, current.configVersionId);
  const newest = (await store.configVersions.latest(tenantId, id)) ?? running;
  const names = secretsOfRevision(await manifestOf(platform, release), environment.name, newest);
  const { versions } = await resolveSecrets(platform, { tenantId, id: projectId }, names);
  const changes = configChanges(running.values, newest.values).length;
  const secrets = [...names].filter((key) => versions[key] !== current.secretVersions[key]).sort();
  if (changes === 0 && secrets.length === 0) return { deploy: null, changes, secrets, running: true };
  const { deploy } = await queueDeploy(platform, { environment, release, cause: 'configuration', actor: caller.actor });
  return { deploy, changes, secrets, running: true };
}
