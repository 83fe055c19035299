import {
  advanceDeploy,
  type ConfigVersion,
  type ConfigVersionId,
  type Deploy,
  type Environment,
  type Manifest,
  PlatformError,
  type Release,
  type Revision,
  type RevisionId,
  type SecretVersionId,
} from '@eve/domain';
import { parseManifest } from '../manifests/parse-manifest.ts';
import { advanceStepOf } from '../pipelines/advance-step-of.ts';
import type { Platform } from '../platform.ts';
import type { Records } from '../ports/store.ts';
import type { WorkItem } from '../ports/work-queue.ts';
import { secretsMissing } from '../secrets/missing-secrets.ts';
import { resolveSecrets } from '../secrets/resolve-secrets.ts';
import { secretsOfRevision } from './revision-secrets.ts';

export interface QueueDeploy {
  readonly environment: Environment;
  readonly release: Release;
  readonly cause: Deploy['cause'];
  readonly actor: string;
  /** The configuration to run with; the newest unless given. */
  readonly configVersionId?: ConfigVersionId;
  /** Or one that is recorded together with the revision. */
  readonly newConfig?: Omit<ConfigVersion, 'number'>;
  /** Secret versions to come back to, as far as they are not revoked. */
  readonly secretVersions?: Readonly<Record<string, SecretVersionId>>;
  readonly restoredFrom?: RevisionId;
  /** What else belongs into the same transaction. */
  readonly also?: (
    records: Records,
    made: { deploy: Deploy; revision: Revision; config: ConfigVersion },
  ) => Promise<void>;
}

/** The parsed manifest of a release. */
export async function manifestOf({ store }: Pick<Platform, 'store'>, release: Release): Promise<Manifest> {
  const record = await store.manifests.findByHash(release.tenantId, release.projectId, release.manifestHash);
  const manifest = record && parseManifest(record.yaml).manifest;
  if (!manifest)
    throw new PlatformError(
      'manifest_not_found',
      `The manifest ${release.manifestHash} of release ${release.id} is not there.`,
    );
  return manifest;
}

/**
 * Makes the next revision of an environment and queues its deploy; waiting deploys of the environment are superseded.
 * Throws `secret_missing` before anything is recorded, `environment_suspended`.
 */
export async function queueDeploy(
  platform: Pick<Platform, 'store' | 'now' | 'newId' | 'vault'>,
  request: QueueDeploy,
): Promise<{ deploy: Deploy; revision: Revision; config: ConfigVersion }> {
  const { store, now, newId } = platform;
  const { environment, release, actor } = request;
  refuseSuspended(environment);
  const { tenantId, projectId } = environment;
  const manifest = await manifestOf(platform, release);
  const { newConfig } = request;
  const given = newConfig
    ? { ...newConfig, number: 0 }
    : request.configVersionId
      ? await store.configVersions.get(tenantId, request.configVersionId)
      : await store.configVersions.latest(tenantId, environment.id);
  const names = secretsOfRevision(manifest, environment.name, given);
  const { versions, missing } = await resolveSecrets(
    platform,
    { tenantId, id: projectId },
    names,
    request.secretVersions,
  );
  if (missing.length > 0) throw secretsMissing(missing);

  return store.transaction(async (records) => {
    const made = newConfig ?? (given ? null : emptyConfiguration(environment, newId('cfg'), actor, now()));
    const config = made ? await records.configVersions.insert(made) : (given as ConfigVersion); // one of both is there
    const revision = await records.revisions.insert({
      id: newId('rev'),
      tenantId,
      projectId,
      environmentId: environment.id,
      releaseId: release.id,
      configVersionId: config.id,
      secretVersions: versions,
      restoredFrom: request.restoredFrom ?? null,
      createdBy: actor,
      createdAt: now(),
    });
    // Numbering has locked the environment: nobody suspends it, or queues beside us, until this transaction ends.
    refuseSuspended(await records.environments.get(tenantId, environment.id));
    await supersedePending(records, environment, actor, now());
    const deploy: Deploy = {
      id: newId('dep'),
      tenantId,
      projectId,
      environmentId: environment.id,
      revisionId: revision.id,
      status: 'pending',
      phase: null,
      cause: request.cause,
      rolledBackTo: null,
      failure: null,
      createdBy: actor,
      cancelRequestedAt: null,
      createdAt: now(),
      startedAt: null,
      completedAt: null,
    };
    await records.deploys.insert(deploy);
    await records.queue.add(deployWork(deploy));
    await request.also?.(records, { deploy, revision, config });
    return { deploy, revision, config };
  });
}

function emptyConfiguration(
  environment: Environment,
  id: ConfigVersionId,
  actor: string,
  at: Date,
): Omit<ConfigVersion, 'number'> {
  return {
    id,
    tenantId: environment.tenantId,
    environmentId: environment.id,
    values: {},
    message: 'Nothing set',
    createdBy: actor,
    createdAt: at,
  };
}

/** The work that carries a deploy out; one at a time in its environment. */
export function deployWork({ id, tenantId, projectId, environmentId }: Deploy): WorkItem {
  return { kind: 'execute-deploy', id, tenantId, projectId, class: 'deploy', version: 1, exclusiveKey: environmentId };
}

/** Throws `environment_suspended`. */
export function refuseSuspended({ status, name }: Environment): void {
  if (status === 'suspended')
    throw new PlatformError('environment_suspended', `Environment ${name} is suspended: resume it first.`);
}

async function supersedePending(records: Records, environment: Environment, actor: string, at: Date): Promise<void> {
  for (const waiting of await records.deploys.pending(environment.tenantId, environment.id)) {
    const superseded = advanceDeploy(waiting, { type: 'supersede' }, at);
    try {
      await records.deploys.update(superseded, { was: waiting.status, event: 'supersede', actor, lease: null });
    } catch (error) {
      // It has begun since: it runs to its end, and then comes ours.
      if (error instanceof PlatformError && error.code === 'record_changed') continue;
      throw error;
    }
    await records.queue.cancel('execute-deploy', waiting.id);
    await advanceStepOf(records, superseded);
  }
}
