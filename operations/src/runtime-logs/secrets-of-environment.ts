import type { DeployId, Environment, RevisionId } from '@eve/domain';
import { manifestOf } from '../deploys/manifest-of.ts';
import { secretsOfRevision } from '../deploys/revision-secrets.ts';
import { type Redact, redactor } from '../logs/redact.ts';
import type { Platform } from '../platform.ts';
import { resolveSecrets } from '../secrets/resolve-secrets.ts';

/** Hides what services were given as secrets: by the revision that serves, by the newest one, and by those of the given deploys. */
export async function redactorOf(
  platform: Pick<Platform, 'store' | 'vault'>,
  environment: Environment,
  deployIds: Iterable<DeployId>,
): Promise<Redact> {
  const { tenantId, projectId } = environment;
  const revisionIds = new Set(await revisionsInUse(platform, environment));
  for (const id of new Set(deployIds)) revisionIds.add((await platform.store.deploys.get(tenantId, id)).revisionId);
  const secretValues = new Set<string>();
  for (const id of revisionIds) {
    const revision = await platform.store.revisions.get(tenantId, id);
    const manifest = await manifestOf(platform, await platform.store.releases.get(tenantId, revision.releaseId));
    const config = await platform.store.configVersions.get(tenantId, revision.configVersionId);
    const names = secretsOfRevision(manifest, environment.name, config);
    const { values } = await resolveSecrets(platform, { tenantId, id: projectId }, names, revision.secretVersions);
    for (const value of Object.values(values)) secretValues.add(value);
  }
  return redactor(secretValues);
}

/** The revision that serves, and the one that was last to. */
export async function revisionsInUse(
  { store }: Pick<Platform, 'store'>,
  { tenantId, id, currentRevisionId }: Environment,
): Promise<readonly RevisionId[]> {
  const [newest] = (await store.deploys.list(tenantId, id, { limit: 1 })).items;
  return [...new Set([currentRevisionId, newest?.revisionId ?? null])].filter((each) => each !== null);
}
