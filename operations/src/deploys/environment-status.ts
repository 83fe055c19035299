import {
  type Deploy,
  type Drift,
  type DriftDifference,
  driftOf,
  type Environment,
  type EnvironmentRules,
  environmentRules,
  type PipelineRunId,
  type ProjectId,
  type Release,
  type Revision,
  waitsForItsTurn,
} from '@eve/domain';
import type { Caller } from '../caller.ts';
import { expectationOf } from '../drift/expected-instances.ts';
import { manifestOfEnvironment } from '../environments/environment-rules.ts';
import { getEnvironment } from '../environments/get-environment.ts';
import { reasonOf } from '../logs/reason.ts';
import type { Platform } from '../platform.ts';
import type { DeployTarget, Instance } from '../ports/deployer.ts';
import { currentTarget } from './current-target.ts';
import { probed, type ServiceStatus, serviceStates } from './service-status.ts';
import { urlsOf } from './service-urls.ts';
import { statusHint } from './status-hint.ts';

export interface EnvironmentStatus {
  readonly environment: Environment;
  readonly rules: EnvironmentRules;
  readonly revision: Revision | null;
  readonly release: Release | null;
  readonly lastDeploy: Deploy | null;
  /** Under way: while it is, no other one begins. */
  readonly activeDeploy: Deploy | null;
  /** The newest that waits, for the one under way or for an approval. */
  readonly waitingDeploy: Deploy | null;
  /** Of the deploy under way, or of the one that waits. */
  readonly activePipelineRunId: PipelineRunId | null;
  /** As it was recorded last. */
  readonly drift: Drift | null;
  /** As it is now; empty too while a deploy changes what runs. */
  readonly differences: readonly DriftDifference[];
  readonly services: readonly ServiceStatus[];
  /** Whether all services of the current revision run as released, also while the next revision is tried. */
  readonly ready: boolean;
  readonly health: 'ready' | 'deploying' | 'degraded' | 'unknown';
  /** Why nothing is known of what runs; null where it is. */
  readonly unknownBecause: string | null;
  /** What to do, where something is to be done. */
  readonly hint: string | null;
}

/**
 * What runs in an environment now, read back from the runtime and compared with what its revision says. With `probe` everything that
 * serves is asked whether it is healthy.
 */
export async function environmentStatus(
  platform: Platform,
  caller: Caller,
  projectId: ProjectId,
  envName: string,
  { probe = true }: { readonly probe?: boolean } = {},
): Promise<EnvironmentStatus> {
  const recorded = await recordedState(platform, await getEnvironment(platform, caller, projectId, envName));
  const { environment, release, manifest, activeDeploy, waitingDeploy } = recorded;
  const deploying = activeDeploy !== null || (waitingDeploy !== null && waitsForItsTurn(waitingDeploy));
  if (!release || !manifest) {
    return withHint(platform, { ...recorded, ...nothingRuns, health: deploying ? 'deploying' : 'unknown' });
  }

  const seen = await seenNow(platform, environment);
  if ('reason' in seen)
    return withHint(platform, { ...recorded, ...nothingRuns, health: 'unknown', unknownBecause: seen.reason });
  const { instances, target } = seen;
  const checked = await probed(platform, environment, probe ? target : null, instances);
  const urls = await urlsOf(platform, environment);
  const services = serviceStates(platform, { release, manifest }, checked, urls, activeDeploy?.id ?? null);
  const ready = services.every(
    ({ state, digestMatches, instances: each }) =>
      state === 'running' && digestMatches && each.every(({ lastProbe }) => lastProbe?.ok ?? true),
  );
  const differences =
    target && !activeDeploy ? driftOf(await expectationOf(platform, environment, target), instances) : [];
  const health = deploying ? 'deploying' : ready && differences.length === 0 ? 'ready' : 'degraded';
  return withHint(platform, { ...recorded, services, ready, differences, health, unknownBecause: null });
}

const nothingRuns = { services: [], differences: [], ready: false, unknownBecause: null };

async function recordedState(platform: Platform, environment: Environment) {
  const { store, settings } = platform;
  const { tenantId, id, currentRevisionId } = environment;
  const revision = currentRevisionId ? await store.revisions.get(tenantId, currentRevisionId) : null;
  const manifest = await manifestOfEnvironment(platform, environment);
  const activeDeploy = await store.deploys.active(tenantId, id);
  const waitingDeploy = (await store.deploys.pending(tenantId, id)).at(-1) ?? null;
  const underWay = activeDeploy ?? waitingDeploy;
  const step = underWay ? await store.pipelineRuns.findStepBySubject(tenantId, underWay.id) : null;
  return {
    environment,
    manifest,
    rules: environmentRules(environment, manifest, settings),
    revision,
    release: revision ? await store.releases.get(tenantId, revision.releaseId) : null,
    lastDeploy: (await store.deploys.list(tenantId, id, { limit: 1 })).items[0] ?? null,
    activeDeploy,
    waitingDeploy,
    activePipelineRunId: step?.runId ?? null,
    drift: await store.drifts.current(tenantId, id),
  };
}

/** What the engine says, or why it says nothing. */
async function seenNow(
  platform: Platform,
  environment: Environment,
): Promise<{ instances: readonly Instance[]; target: DeployTarget | null } | { reason: string }> {
  try {
    const instances = await platform.deployer.observe(environment.id);
    return { instances, target: await currentTarget(platform, environment) };
  } catch (error) {
    platform.log.warn({ environmentId: environment.id, error }, 'what runs in an environment is not known');
    return { reason: `What runs there is not known now: ${reasonOf(error)}` };
  }
}

function withHint(
  { settings }: Pick<Platform, 'settings'>,
  status: Omit<EnvironmentStatus, 'hint'> & { readonly manifest: unknown },
): EnvironmentStatus {
  const { manifest: _manifest, ...shown } = status;
  return { ...shown, hint: statusHint(shown, settings.driftMs > 0) };
}
