import { type Deploy, type Drift, environmentRules, nextRepairAt, type ProjectId } from '@eve/domain';
import type { Caller } from '../caller.ts';
import { manifestOfEnvironment } from '../environments/environment-rules.ts';
import { findEnvironment } from '../environments/get-environment.ts';
import type { Platform } from '../platform.ts';
import type { Listed, Page } from '../ports/stored.ts';
import { recentRepairs } from './repair-drift.ts';

export interface DriftView extends Listed<Drift> {
  /** Whether this installation looks for drift at all. */
  readonly watched: boolean;
  readonly rule: 'report' | 'repair';
  /** The one that lasts. */
  readonly current: Drift | null;
  /** What is done about it; null where nothing is. */
  readonly repair: {
    /** One after another, newest first. */
    readonly tried: readonly Deploy[];
    /** Null while one is under way. */
    readonly nextAt: Date | null;
  } | null;
}

/** How what runs in an environment differs from what is recorded, now and in the past, newest first. */
export async function listDrift(
  platform: Pick<Platform, 'store' | 'now' | 'settings'>,
  caller: Caller,
  { projectId, name, page }: { projectId: ProjectId; name: string; page: Page },
): Promise<DriftView> {
  const { store, settings } = platform;
  const environment = await findEnvironment({ store }, caller, 'read', projectId, name);
  const { tenantId, id } = environment;
  const current = await store.drifts.current(tenantId, id);
  const rules = environmentRules(environment, await manifestOfEnvironment(platform, environment), settings);
  const tried = current ? await recentRepairs(platform, environment) : [];
  return {
    ...(await store.drifts.list(tenantId, id, page)),
    watched: settings.driftMs > 0,
    rule: rules.drift,
    current,
    repair: current && rules.drift === 'repair' ? { tried, nextAt: nextRepairAt(current, tried) } : null,
  };
}
