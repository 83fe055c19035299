import { type Deploy, type Drift, type Environment, nextRepairAt, PlatformError, type ProjectId } from '@eve/domain';
import type { Caller } from '../caller.ts';
import { queueRepair } from '../deploys/queue-deploy.ts';
import { findEnvironment } from '../environments/get-environment.ts';
import type { Platform } from '../platform.ts';
import { recordRepair } from './record-drift.ts';

/** Repairs of an hour ago say nothing about the next one. */
const rememberedMs = 60 * 60_000;
const most = 50;

/** The repairs that were tried one after another just now, newest first: a deploy of another cause begins anew. */
export async function recentRepairs(
  { store, now }: Pick<Platform, 'store' | 'now'>,
  { tenantId, id }: Pick<Environment, 'tenantId' | 'id'>,
): Promise<readonly Deploy[]> {
  const { items } = await store.deploys.list(tenantId, id, { limit: most });
  const since = now().getTime() - rememberedMs;
  const other = items.findIndex(({ cause, createdAt }) => cause !== 'repair' || createdAt.getTime() < since);
  return other === -1 ? items : items.slice(0, other);
}

export type RepairOutcome =
  | { readonly kind: 'queued'; readonly deploy: Deploy }
  | { readonly kind: 'waiting'; readonly until: Date | null; readonly tried: readonly Deploy[] }
  | { readonly kind: 'refused'; readonly reason: string };

/**
 * Queues a deploy of the revision that should run, unless one was tried just now: what did not help is tried again ever later, and
 * what is locked, blocked or suspended is left to people.
 */
export async function repairDrift(
  platform: Pick<Platform, 'store' | 'now' | 'newId' | 'vault' | 'settings'>,
  environment: Environment,
  drift: Drift,
): Promise<RepairOutcome> {
  const tried = await recentRepairs(platform, environment);
  const until = nextRepairAt(drift, tried);
  if (!until || until > platform.now()) return { kind: 'waiting', until, tried };
  try {
    const deploy = await queueRepair(platform, environment, 'system');
    await recordRepair(platform, drift, deploy.id);
    return { kind: 'queued', deploy };
  } catch (error) {
    if (!(error instanceof PlatformError) || error.kind === 'unavailable') throw error;
    if (error.code === 'record_changed') return { kind: 'waiting', until: null, tried };
    return { kind: 'refused', reason: error.message };
  }
}

/** As repairDrift, asked for by a person: at once, whether or not drift was seen. */
export async function repairEnvironment(
  platform: Pick<Platform, 'store' | 'now' | 'newId' | 'vault' | 'settings'>,
  caller: Caller,
  { projectId, name }: { projectId: ProjectId; name: string },
): Promise<Deploy> {
  const environment = await findEnvironment(platform, caller, 'deploy', projectId, name);
  const deploy = await queueRepair(platform, environment, caller.actor);
  const drift = await platform.store.drifts.current(environment.tenantId, environment.id);
  if (drift) await recordRepair(platform, drift, deploy.id);
  return deploy;
}
