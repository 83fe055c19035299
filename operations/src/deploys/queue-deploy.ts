import {
  advanceDeploy,
  type ConfigVersion,
  type ConfigVersionId,
  type Deploy,
  type DeployCause,
  type Environment,
  PlatformError,
  type Release,
  type Revision,
  type RevisionId,
  type SecretVersionId,
  type Strategy,
  waitsForItsTurn,
} from '@eve/domain';
import { advanceStepOf } from '../pipelines/advance-step-of.ts';
import type { Platform } from '../platform.ts';
import type { Records } from '../ports/store.ts';
import type { WorkItem } from '../ports/work-queue.ts';
import { secretsMissing } from '../secrets/missing-secrets.ts';
import { refusalsOf, refuseAny } from './deploy-gates.ts';
import { manifestOf } from './manifest-of.ts';
import { newDeploy, type PreparedDeploy, partsOfRevision, prepareDeploy } from './prepare-deploy.ts';

export { manifestOf } from './manifest-of.ts';

export interface QueueDeploy {
  readonly environment: Environment;
  readonly release: Release;
  readonly cause: Exclude<DeployCause, 'repair'>;
  readonly actor: string;
  /** Wins over what environment and manifest say. */
  readonly strategy?: Strategy | undefined;
  /** The configuration to run with; the newest unless given. */
  readonly configVersionId?: ConfigVersionId | undefined;
  /** Or one that is recorded together with the revision. */
  readonly newConfig?: Omit<ConfigVersion, 'number'> | undefined;
  /** Secret versions to come back to, as far as they are not revoked. */
  readonly secretVersions?: Readonly<Record<string, SecretVersionId>> | undefined;
  readonly restoredFrom?: RevisionId | undefined;
  /** What whoever asked should know, on top of what is found here. */
  readonly warnings?: readonly string[] | undefined;
  /** What else belongs into the same transaction. */
  readonly also?: (
    records: Records,
    made: { deploy: Deploy; revision: Revision; config: ConfigVersion },
  ) => Promise<void>;
}

type Needs = Pick<Platform, 'store' | 'now' | 'newId' | 'vault' | 'settings'>;

/**
 * The one gate: makes the next revision of an environment and queues its deploy, or lets it wait for an approval; waiting deploys of
 * the environment are superseded. Before anything is recorded it throws `environment_suspended`, `environment_locked`,
 * `environment_protected`, `release_blocked`, `secret_missing`.
 */
export async function queueDeploy(
  platform: Needs,
  request: QueueDeploy,
): Promise<{ deploy: Deploy; revision: Revision; config: ConfigVersion }> {
  const { store, now, newId } = platform;
  const { environment, release, actor, newConfig } = request;
  const { tenantId, projectId } = environment;
  const manifest = await manifestOf(platform, release);
  const given = await configurationGiven(platform, request);
  const prepared = await prepareDeploy(platform, { ...request, manifest, config: newConfig ?? given });
  refuseAny(prepared.refusals);
  if (prepared.missingSecrets.length > 0) throw secretsMissing(prepared.missingSecrets);

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
      secretVersions: prepared.secretVersions,
      restoredFrom: request.restoredFrom ?? null,
      createdBy: actor,
      createdAt: now(),
    });
    // Numbering has locked the environment: nobody changes it, or queues beside us, until this transaction ends.
    await refuseNow(platform, records, request, prepared);
    const superseded = await supersedeWaiting(records, environment, actor, now());
    const deploy = newDeploy(platform, request, {
      revisionId: revision.id,
      strategy: prepared.strategy,
      warnings: [
        ...prepared.warnings,
        ...(request.warnings ?? []),
        ...superseded.map(({ id, createdBy }) => `Takes the place of deploy ${id} by ${createdBy}, which waited.`),
      ],
    });
    const queued = await insertDeploy(platform, records, deploy, prepared);
    await request.also?.(records, { deploy: queued, revision, config });
    return { deploy: queued, revision, config };
  });
}

/**
 * Queues a deploy of the revision that is to serve already, which starts again what was lost or changed; makes no revision.
 * Throws what queueDeploy throws, `rollback_target_missing` before anything served, and `record_changed` while another deploy
 * is under way or waits: that one sees to it.
 */
export async function queueRepair(platform: Needs, environment: Environment, actor: string): Promise<Deploy> {
  const { store, now } = platform;
  const { tenantId, id, currentRevisionId } = environment;
  if (!currentRevisionId)
    throw new PlatformError('rollback_target_missing', `Nothing was deployed to ${environment.name} yet.`);
  const revision = await store.revisions.get(tenantId, currentRevisionId);
  const parts = await partsOfRevision(platform, revision);
  const asked = { environment, cause: 'repair', actor, release: parts.release } as const;
  const prepared = await prepareDeploy(platform, { ...asked, ...parts, secretVersions: revision.secretVersions });
  refuseAny(prepared.refusals);
  if (prepared.missingSecrets.length > 0) throw secretsMissing(prepared.missingSecrets);
  return store.transaction(async (records) => {
    const { currentRevisionId: current } = await records.environments.getForChange(tenantId, id);
    await refuseNow(platform, records, asked, prepared);
    const waiting = (await records.deploys.pending(tenantId, id)).filter(waitsForItsTurn);
    const other = (await records.deploys.active(tenantId, id)) ?? waiting[0];
    if (other || current !== revision.id) {
      const why = other ? `deploy ${other.id} is ${other.status}` : 'another revision serves now';
      throw new PlatformError('record_changed', `Environment ${environment.name} is not repaired: ${why}.`);
    }
    const { strategy, warnings } = prepared;
    const deploy = newDeploy(platform, asked, { revisionId: revision.id, strategy, warnings });
    return insertDeploy(platform, records, deploy, prepared, now());
  });
}

async function configurationGiven(
  { store }: Pick<Platform, 'store'>,
  { environment: { tenantId, id }, configVersionId, newConfig }: QueueDeploy,
): Promise<ConfigVersion | null> {
  if (newConfig) return null;
  return configVersionId
    ? store.configVersions.get(tenantId, configVersionId)
    : store.configVersions.latest(tenantId, id);
}

/** Asks again what may have changed since it was prepared. */
async function refuseNow(
  { now }: Pick<Platform, 'now'>,
  records: Records,
  {
    environment: { tenantId, id },
    release,
    cause,
  }: Pick<QueueDeploy, 'environment' | 'release'> & { cause: DeployCause },
  { rules }: PreparedDeploy,
): Promise<void> {
  const environment = await records.environments.get(tenantId, id);
  const [block = null] = await records.releases.blocks(tenantId, [release.id]);
  const isProtected = environment.settings.protected ?? rules.protected;
  refuseAny(refusalsOf({ environment, rules: { protected: isProtected }, cause, release, block, at: now() }));
}

/** Records a deploy: with the work that carries it out, or waiting for somebody who lets it begin. */
async function insertDeploy(
  { now }: Pick<Platform, 'now'>,
  records: Records,
  deploy: Deploy,
  { approval }: PreparedDeploy,
  at = now(),
): Promise<Deploy> {
  await records.deploys.insert(deploy);
  if (!approval) {
    await records.queue.add(deployWork(deploy));
    return deploy;
  }
  const waiting = advanceDeploy(deploy, { type: 'await_approval' }, at);
  const actor = deploy.createdBy ?? 'system';
  await records.deploys.update(waiting, { was: deploy.status, event: 'await_approval', actor, lease: null });
  return waiting;
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

async function supersedeWaiting(
  records: Records,
  environment: Environment,
  actor: string,
  at: Date,
): Promise<readonly Deploy[]> {
  const ended: Deploy[] = [];
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
    ended.push(superseded);
  }
  return ended;
}
