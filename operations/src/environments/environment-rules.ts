import { type Environment, type EnvironmentRules, environmentRules, type Manifest } from '@eve/domain';
import { manifestOf } from '../deploys/manifest-of.ts';
import { parseManifest } from '../manifests/parse-manifest.ts';
import type { Platform } from '../platform.ts';

/** The manifest whose words count for an environment now: that of what it runs, and before the first deploy the newest one. */
export async function manifestOfEnvironment(
  { store }: Pick<Platform, 'store'>,
  { tenantId, projectId, currentRevisionId }: Environment,
): Promise<Manifest | null> {
  if (!currentRevisionId) {
    const latest = await store.manifests.latest(tenantId, projectId);
    return latest && parseManifest(latest.manifest.yaml).manifest;
  }
  const revision = await store.revisions.get(tenantId, currentRevisionId);
  return manifestOf({ store }, await store.releases.get(tenantId, revision.releaseId));
}

/** What counts in an environment now: its settings, and where they say nothing the manifest of what it runs. */
export async function rulesOfEnvironment(
  platform: Pick<Platform, 'store' | 'settings'>,
  environment: Environment,
): Promise<EnvironmentRules> {
  return environmentRules(environment, await manifestOfEnvironment(platform, environment), platform.settings);
}
