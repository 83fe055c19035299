import { type Garbage, PlatformError, type RetentionPolicy } from '@eve/domain';
import { authorize, type Caller } from '../caller.ts';
import { plannedBlobs, plannedInstanceLogs } from './plan-blobs.ts';
import { plannedOnEngine } from './plan-engine.ts';
import { plannedRecords, planProject } from './plan-project.ts';
import { plannedManifests } from './plan-registry.ts';
import type { Planned, ProjectPlan, RetentionNeeds } from './planned.ts';
import { closeRegistryGate, hold } from './registry-gate.ts';

/** What was made just now stays whatever the rules say: somebody may be about to name it. */
const freshMs = 60 * 60_000;
const defaultWaitMs = 120_000;

export interface GarbageReport {
  readonly dryRun: boolean;
  readonly policy: RetentionPolicy;
  /** What went, or would go, in that order. */
  readonly items: readonly Garbage[];
  /** What is only told of, and removed by nobody but a person. */
  readonly told: readonly Garbage[];
  /** Parts that were left out, and why. */
  readonly notes: readonly string[];
  /** By the registry's storage, as it was measured; null where nothing was collected there. */
  readonly freedBytes: number | null;
}

export interface CollectGarbage {
  readonly dryRun?: boolean;
  /** How long builds under way are waited for before the registry is left out. */
  readonly waitMs?: number;
}

/** Removes what nothing needs, by the policy of the installation; only its operator may. Throws `record_changed` while another collection is under way. */
export async function collectGarbage(
  platform: RetentionNeeds,
  caller: Caller,
  request: CollectGarbage,
  signal: AbortSignal,
): Promise<GarbageReport> {
  refuseStrangers(caller);
  if (request.dryRun) return dryRun(platform, caller.actor, signal);
  await using lock = await hold(platform, 'garbage', signal);
  if (!lock)
    throw new PlatformError('record_changed', 'Garbage is being collected already: wait until that has ended.');
  return collect(platform, caller.actor, request.waitMs ?? defaultWaitMs, lock.signal);
}

/** The policy of the installation, and whether garbage is being collected; for its operator. */
export async function readRetention(
  { store, settings }: Pick<RetentionNeeds, 'store' | 'settings'>,
  caller: Caller,
): Promise<{ readonly policy: RetentionPolicy; readonly running: boolean }> {
  refuseStrangers(caller);
  return { policy: settings.retention, running: (await store.locks.look('garbage')).held };
}

function refuseStrangers(caller: Caller): void {
  authorize(caller, 'admin');
  if (!caller.operator || caller.projectId !== null) {
    throw new PlatformError('caller_forbidden', 'Only the operator of this installation collects garbage.');
  }
}

/** Says what would go, in one look at everything. */
async function dryRun(platform: RetentionNeeds, actor: string, signal: AbortSignal): Promise<GarbageReport> {
  const { retention: policy } = platform.settings;
  const before = freshSince(platform);
  const plans = await planProjects(platform, before);
  const records = plans.flatMap((plan) => plannedRecords(platform, plan, policy, actor, before));
  const manifests = await plannedManifests(platform, plans, { settled: false }, signal);
  const engine = await plannedOnEngine(platform, plans);
  const planned = [
    ...records,
    ...manifests,
    ...engine.goes,
    ...(await plannedInstanceLogs(platform)),
    ...(await plannedBlobs(platform)),
  ];
  const items = planned.map(({ garbage }) => garbage);
  return { dryRun: true, policy, items, told: engine.told, notes: notesOf(platform), freedBytes: null };
}

/**
 * Records first, then what only they named: a crash leaves things that nobody names, which the next collection finds. What
 * goes from the registry is settled while it is closed to pushes.
 */
export async function collect(
  platform: RetentionNeeds,
  actor: string,
  waitMs: number,
  signal: AbortSignal,
): Promise<GarbageReport> {
  const { retention: policy } = platform.settings;
  const before = freshSince(platform);
  const items: Garbage[] = [];
  const notes = notesOf(platform);
  const removeAll = async (planned: readonly Planned[]) => {
    for (const each of planned) {
      signal.throwIfAborted();
      if (await removed(platform, each, notes, signal)) items.push(each.garbage);
    }
  };

  for (const plan of await planProjects(platform, before)) {
    await removeAll(plannedRecords(platform, plan, policy, actor, before));
  }
  const freedBytes = await collectRegistry(platform, before, waitMs, { items, notes }, signal);
  const engine = await plannedOnEngine(platform, await planProjects(platform, before));
  await removeAll(engine.goes);
  await removeAll(await plannedInstanceLogs(platform));
  await removeAll(await plannedBlobs(platform));
  return { dryRun: false, policy, items, told: engine.told, notes, freedBytes };
}

/** Nothing where the registry is not Eve's, or builds take too long: then it is left to the next time. */
async function collectRegistry(
  platform: RetentionNeeds,
  before: Date,
  waitMs: number,
  { items, notes }: { readonly items: Garbage[]; readonly notes: string[] },
  signal: AbortSignal,
): Promise<number | null> {
  if (!platform.registryStorage) return null;
  await using gate = await closeRegistryGate(platform, waitMs, signal);
  if (!gate) {
    notes.push(`registry: left out, builds were under way for longer than ${Math.round(waitMs / 1000)} s`);
    return null;
  }
  const plans = await planProjects(platform, before);
  const planned = await plannedManifests(platform, plans, { settled: true }, gate.signal);
  for (const each of planned) {
    gate.signal.throwIfAborted();
    if (await removed(platform, each, notes, gate.signal)) items.push(each.garbage);
  }
  return (await platform.registryStorage.collect(gate.signal)).freedBytes;
}

async function planProjects({ store, settings }: RetentionNeeds, before: Date): Promise<readonly ProjectPlan[]> {
  const plans: ProjectPlan[] = [];
  for (const project of await store.retention.projects()) {
    plans.push(await planProject(store, project, settings.retention, before));
  }
  return plans;
}

/** One thing that cannot be removed keeps nothing else. */
async function removed(
  { log }: Pick<RetentionNeeds, 'log'>,
  { garbage, remove }: Planned,
  notes: string[],
  signal: AbortSignal,
): Promise<boolean> {
  try {
    return await remove(signal);
  } catch (error) {
    signal.throwIfAborted();
    log.warn({ kind: garbage.kind, id: garbage.id, error: String(error) }, 'something could not be collected');
    notes.push(
      `${garbage.kind} ${garbage.id}: stays, ${error instanceof Error ? error.message : 'it could not be removed'}`,
    );
    return false;
  }
}

function notesOf({ registryStorage, settings }: RetentionNeeds): string[] {
  if (registryStorage || settings.registryHost === null) return [];
  return ['registry: left out, its storage is not on this machine'];
}

function freshSince({ now }: Pick<RetentionNeeds, 'now'>): Date {
  return new Date(now().getTime() - freshMs);
}
