import {
  type ConfigVersion,
  type Deploy,
  type DeployStatus,
  type Environment,
  PlatformError,
  type ProjectId,
  type Release,
  type Revision,
  type SecretVersionId,
} from '@eve/domain';
import { authorize, type Caller } from '../caller.ts';
import { canonicalJson } from '../canonical.ts';
import { getEnvironment } from '../environments/get-environment.ts';
import { strategyFrom } from '../manifests/read-strategy.ts';
import type { Platform } from '../platform.ts';
import { restorableRevisions, unrestorable } from '../retention/restorable.ts';
import { refuseAny } from './deploy-gates.ts';
import { type DeployPlan, planOf } from './deploy-plan.ts';
import { manifestOf } from './manifest-of.ts';
import { prepareDeploy } from './prepare-deploy.ts';
import { queueDeploy } from './queue-deploy.ts';
import { revisionsOf, rollbackTarget } from './rollback-target.ts';

/** What of the target comes back: all of it, or one half beside the other half of today. */
export type RollbackPart = 'all' | 'code' | 'configuration';

export interface Rollback {
  readonly projectId: ProjectId;
  readonly envName: string;
  /** `previous` (the default), a revision such as `12` or `staging#12`, or a release's tag or id. */
  readonly to?: string;
  readonly part?: RollbackPart;
  /** In the words of the manifest; the traffic moves at once unless given. */
  readonly strategy?: unknown;
  readonly dryRun?: boolean;
}

export interface RollbackAnswer {
  readonly environment: Environment;
  readonly target: Revision;
  /** What serves after it. */
  readonly release: Release;
  /** How the target's own deploy ended: one that is not healthy never served as it should. */
  readonly targetStatus: DeployStatus | null;
  readonly plan: DeployPlan;
  /** Null for a dry run. */
  readonly deploy: Deploy | null;
  readonly revision: Revision | null;
}

/**
 * Brings an earlier revision back, with its images, manifest, configuration and secret versions, as a new revision through the same
 * gate as any deploy. The configuration becomes the newest one again: a later deploy does not undo half of the way back.
 * Throws `rollback_target_missing` when there is none or it cannot be restored, and what queueDeploy throws.
 */
export async function rollbackEnvironment(
  platform: Platform,
  caller: Caller,
  request: Rollback,
): Promise<RollbackAnswer> {
  const { projectId, envName, to = 'previous', part = 'all', dryRun = false } = request;
  authorize(caller, dryRun ? 'read' : 'deploy', projectId);
  const { store } = platform;
  const { tenantId } = caller;
  const environment = await getEnvironment(platform, caller, projectId, envName);
  const strategy =
    request.strategy === undefined || request.strategy === null ? undefined : strategyFrom(request.strategy);
  const target = await rollbackTarget(platform, caller, environment, to);
  const today = environment.currentRevisionId
    ? await store.revisions.get(tenantId, environment.currentRevisionId)
    : null;
  if (part !== 'all' && !today)
    throw new PlatformError(
      'rollback_target_missing',
      `Nothing serves in ${envName}, so there is no other half of it.`,
    );
  const codeFrom = part === 'configuration' ? (today ?? target) : target;
  const configFrom = part === 'code' ? (today ?? target) : target;

  const release = await store.releases.get(tenantId, codeFrom.releaseId);
  const manifest = await manifestOf(platform, release);
  const configuration = await configurationToRun(platform, caller, environment, target, configFrom);
  const secretVersions = secretVersionsOf(codeFrom, configFrom);
  const asked = { environment, release, cause: 'rollback', strategy, secretVersions } as const;
  const parts = { ...asked, manifest, config: configuration.config };
  const prepared = await prepareDeploy(platform, parts);
  const lost = await whyNotRestored(platform, environment, target, part);
  const warnings = [...configuration.warnings, ...(await commandsCrossed(platform, environment, target, part))];
  const refusals = [...prepared.refusals, ...(lost ? [lost] : [])];
  const plan = await planOf(platform, parts, { ...prepared, refusals }, { warnings });
  const targetStatus = statusOf(await store.deploys.ofRevisions(tenantId, [target.id]));
  const answer = { environment, target, release, targetStatus, plan };
  if (dryRun) return { ...answer, deploy: null, revision: null };

  refuseAny(refusals);
  const made = await queueDeploy(platform, {
    ...asked,
    actor: caller.actor,
    restoredFrom: target.id,
    warnings,
    ...configuration.queue,
  });
  return { ...answer, deploy: made.deploy, revision: made.revision };
}

/** How the deploys of one revision ended: healthy when one of them was, else as the first one did. */
export function statusOf(deploys: readonly Deploy[]): DeployStatus | null {
  return (deploys.find(({ status }) => status === 'healthy') ?? deploys[0])?.status ?? null;
}

/** Why the target cannot come back; its configuration alone needs no images. */
async function whyNotRestored(
  platform: Platform,
  environment: Environment,
  target: Revision,
  part: RollbackPart,
): Promise<PlatformError | null> {
  const [found] = await restorableRevisions(platform, environment, [target]);
  if (!found || (part === 'configuration' && found.code !== 'never_healthy')) return null;
  // A block is the gate's to refuse.
  return found.code === 'release_blocked' ? null : unrestorable(environment, found);
}

/** Which configuration runs then: a recorded one where it is the newest, else a new version with the same values. */
async function configurationToRun(
  { store, newId, now }: Pick<Platform, 'store' | 'newId' | 'now'>,
  caller: Caller,
  environment: Environment,
  target: Revision,
  from: Revision,
): Promise<{
  config: Pick<ConfigVersion, 'values'>;
  queue: { configVersionId: ConfigVersion['id'] } | { newConfig: Omit<ConfigVersion, 'number'> };
  warnings: readonly string[];
}> {
  const { tenantId, id, name } = environment;
  const config = await store.configVersions.get(tenantId, from.configVersionId);
  const newest = await store.configVersions.latest(tenantId, id);
  if (newest && canonicalJson(newest.values) === canonicalJson(config.values))
    return { config: newest, queue: { configVersionId: newest.id }, warnings: [] };
  if (from.id !== target.id) {
    const warning = `Configuration ${newest?.number} was set and never deployed: it stays so, ${config.number} runs on.`;
    return { config, queue: { configVersionId: config.id }, warnings: newest ? [warning] : [] };
  }
  const newConfig: Omit<ConfigVersion, 'number'> = {
    id: newId('cfg'),
    tenantId,
    environmentId: id,
    values: config.values,
    message: `As version ${config.number}: rollback to ${name}#${target.number}`,
    createdBy: caller.actor,
    createdAt: now(),
  };
  return { config, queue: { newConfig }, warnings: [] };
}

/** A secret comes back as the half that names it had it; what configuration names wins. */
function secretVersionsOf(code: Revision, configuration: Revision): Readonly<Record<string, SecretVersionId>> {
  return { ...code.secretVersions, ...configuration.secretVersions };
}

/** Says which release commands have run since the target: what they changed, such as a database, stays changed. */
async function commandsCrossed(
  platform: Pick<Platform, 'store'>,
  environment: Environment,
  target: Revision,
  part: RollbackPart,
): Promise<readonly string[]> {
  if (part === 'configuration') return [];
  const since: Revision[] = [];
  for await (const revision of revisionsOf(platform, environment)) {
    if (revision.number <= target.number) break;
    since.push(revision);
  }
  const deploys = await platform.store.deploys.ofRevisions(
    environment.tenantId,
    since.map(({ id }) => id),
  );
  return deploys.flatMap(({ revisionId, releaseCommands }) => {
    const number = since.find(({ id }) => id === revisionId)?.number;
    return releaseCommands.map(
      ({ service, command }) =>
        `Crosses the release command of ${service} in ${environment.name}#${number} (${command.join(' ')}): what it changed stays as it is.`,
    );
  });
}
