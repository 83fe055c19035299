import {
  type Drift,
  type DriftDifference,
  differenceInWords,
  driftOf,
  type Environment,
  type EnvironmentId,
  environmentRules,
  sameDifferences,
  waitsForItsTurn,
} from '@eve/domain';
import { reasonOf } from '../logs/reason.ts';
import type { Platform } from '../platform.ts';
import { pause } from '../work/pause.ts';
import { type Expected, expectedInstances } from './expected-instances.ts';
import { hearChanges } from './hear-changes.ts';
import { isNews, recordDrift } from './record-drift.ts';
import { repairDrift } from './repair-drift.ts';

const atOnce = 4;
const longestSecondLookMs = 1_000;
const goneRounds = 2;

type Needs = Pick<Platform, 'store' | 'vault' | 'registryLogins' | 'settings' | 'now' | 'newId' | 'deployer' | 'log'>;

/** What a watching process keeps between two rounds. */
export interface DriftMemory {
  /** Under the revision and deploy it was made for. */
  readonly expected: Map<EnvironmentId, { readonly key: string; readonly of: Expected | null }>;
  /** Since when a drift that lasts was not seen any more. */
  readonly goneSince: Map<EnvironmentId, number>;
  /** What the operator was told last, by environment and matter: the same is not said again. */
  readonly said: Map<`${EnvironmentId} ${Matter}`, string>;
}

type Matter = 'unknown' | 'drift' | 'refused' | 'later';

/** Makes a memory that knows nothing. */
export function driftMemory(): DriftMemory {
  return { expected: new Map(), goneSince: new Map(), said: new Map() };
}

/**
 * Compares what runs with what is recorded, again and again until the signal and as soon as the runtime tells of a change, and
 * repairs where an environment wants that. Any number of processes may do so.
 */
export async function watchDrift(platform: Needs, signal: AbortSignal): Promise<void> {
  const { settings, log } = platform;
  if (settings.driftMs === 0) return;
  const memory = driftMemory();
  const heard = hearChanges(platform, signal);
  let only: ReadonlySet<EnvironmentId> | undefined;
  let nextAt = 0;
  while (!signal.aborted) {
    if (!only) nextAt = performance.now() + settings.driftMs;
    await lookForDrift(platform, memory, signal, only).catch((error: unknown) => {
      if (!signal.aborted) log.warn({ error }, 'what runs could not be compared with what is recorded');
    });
    const changed = await heard.within(nextAt - performance.now(), signal);
    only = changed.size > 0 && performance.now() < nextAt ? changed : undefined;
  }
}

/**
 * One round over all environments, or some, that something was deployed to and that no deploy is changing. What differs is looked at twice
 * before it is recorded, so that a moment between two acts is no drift; where the engine does not answer nothing is known.
 */
export async function lookForDrift(
  platform: Needs,
  memory: DriftMemory,
  signal: AbortSignal,
  only?: ReadonlySet<EnvironmentId>,
): Promise<void> {
  const { store, settings, now, log } = platform;
  const [environments, unfinished, lasting] = await Promise.all([
    store.environments.all(),
    store.deploys.unfinished(),
    store.drifts.lasting(),
  ]);
  const busy = new Set(
    unfinished
      .filter((deploy) => deploy.status === 'deploying' || waitsForItsTurn(deploy))
      .map(({ environmentId }) => environmentId),
  );
  const known = new Map(lasting.map((drift) => [drift.environmentId, drift]));
  const watched = environments.filter(
    ({ id, status, currentRevisionId }) =>
      status === 'active' && currentRevisionId !== null && !busy.has(id) && (only?.has(id) ?? true),
  );
  forget(memory, new Set(environments.map(({ id }) => id)));

  const suspects: { readonly environment: Environment; readonly first: readonly DriftDifference[] }[] = [];
  const forEach = <Item>(items: readonly Item[], act: (item: Item) => Promise<void>) =>
    inGroups(items, signal, async (item) => {
      await act(item).catch((error: unknown) => {
        if (!signal.aborted) log.warn({ error }, 'the drift of an environment could not be seen to');
      });
    });
  await forEach(watched, async (environment) => {
    const first = await look(platform, memory, environment);
    const drift = known.get(environment.id) ?? null;
    if (!first) return;
    const settled = isSettled(platform, memory, environment, drift, first);
    if (settled && isNews(drift, environment, first, now())) suspects.push({ environment, first });
  });

  if (suspects.length > 0) await pause(Math.min(settings.driftMs, longestSecondLookMs), signal);
  await forEach(suspects, async ({ environment, first }) => {
    const second = await look(platform, memory, environment);
    if (!second || !sameDifferences(first, second)) return;
    const drift = await recordDrift(platform, environment, second);
    if (drift) known.set(environment.id, drift);
    else known.delete(environment.id);
    say(platform, memory, environment, drift);
  });

  await forEach(watched, async (environment) => {
    const drift = known.get(environment.id);
    const expected = memory.expected.get(environment.id)?.of;
    if (!drift || !expected || drift.revisionId !== environment.currentRevisionId) return;
    const rules = environmentRules(environment, expected.manifest, settings);
    if (rules.drift === 'repair') await repair(platform, memory, environment, drift);
  });
}

/** A drift is over when nothing was seen of it for a while, or after its repair: what dies again and again is one drift, not many. */
function isSettled(
  { settings, now }: Needs,
  { goneSince }: DriftMemory,
  { id, currentRevisionId, lastDeployId }: Environment,
  drift: Drift | null,
  differences: readonly DriftDifference[],
): boolean {
  if (!drift || differences.length > 0) {
    goneSince.delete(id);
    return true;
  }
  const since = goneSince.get(id) ?? now().getTime();
  goneSince.set(id, since);
  if (drift.revisionId !== currentRevisionId || drift.repairDeployId === lastDeployId) return true;
  return now().getTime() - since >= goneRounds * settings.driftMs;
}

/** How an environment differs now; null where that cannot be known. */
async function look(
  platform: Needs,
  memory: DriftMemory,
  environment: Environment,
): Promise<readonly DriftDifference[] | null> {
  try {
    const expected = await expectedNow(platform, memory, environment);
    if (!expected) return null;
    const instances = await platform.deployer.observe(environment.id);
    memory.said.delete(`${environment.id} unknown`);
    return driftOf(expected.expectation, instances);
  } catch (error) {
    sayOnce(memory, environment, 'unknown', reasonOf(error), () =>
      platform.log.warn({ environmentId: environment.id, error }, 'what runs in an environment is not known'),
    );
    return null;
  }
}

async function expectedNow(platform: Needs, memory: DriftMemory, environment: Environment): Promise<Expected | null> {
  const { id, currentRevisionId, lastDeployId } = environment;
  const key = `${currentRevisionId} ${lastDeployId}`;
  const kept = memory.expected.get(id);
  if (kept?.key === key) return kept.of;
  const of = await expectedInstances(platform, environment);
  memory.expected.set(id, { key, of });
  return of;
}

function say(platform: Needs, memory: DriftMemory, environment: Environment, drift: Drift | null): void {
  const differences = drift?.differences.map(differenceInWords) ?? [];
  const about = { environmentId: environment.id, environment: environment.name, differences };
  const text = differences.length > 0 ? differences.join('; ') : 'none';
  sayOnce(memory, environment, 'drift', text, () =>
    drift
      ? platform.log.warn(about, 'what runs in an environment is not what is recorded')
      : platform.log.info(about, 'what runs in an environment is what is recorded again'),
  );
}

async function repair(platform: Needs, memory: DriftMemory, environment: Environment, drift: Drift): Promise<void> {
  const { log } = platform;
  const outcome = await repairDrift(platform, environment, drift).catch((error: unknown) => {
    log.warn({ environmentId: environment.id, error }, 'a repair could not be queued');
    return null;
  });
  if (!outcome) return;
  const about = { environmentId: environment.id, environment: environment.name };
  if (outcome.kind === 'queued') log.info({ ...about, deployId: outcome.deploy.id }, 'a repair was queued');
  if (outcome.kind === 'refused')
    sayOnce(memory, environment, 'refused', outcome.reason, () =>
      log.warn({ ...about, reason: outcome.reason }, 'a drift is not repaired'),
    );
  if (outcome.kind !== 'waiting' || !outcome.until || outcome.tried.length === 0) return;
  const { until, tried } = outcome;
  sayOnce(memory, environment, 'later', until.toISOString(), () =>
    log.warn({ ...about, tried: tried.length, until: until.toISOString() }, 'a repair did not help and is tried later'),
  );
}

function sayOnce({ said }: DriftMemory, { id }: Environment, matter: Matter, text: string, tell: () => void): void {
  if (said.get(`${id} ${matter}`) === text) return;
  said.set(`${id} ${matter}`, text);
  tell();
}

function forget({ expected, goneSince, said }: DriftMemory, there: ReadonlySet<EnvironmentId>): void {
  for (const kept of [expected, goneSince]) for (const id of kept.keys()) if (!there.has(id)) kept.delete(id);
  // The id is the part before the blank.
  for (const key of said.keys()) if (!there.has(key.split(' ', 1)[0] as EnvironmentId)) said.delete(key);
}

/** A few at a time. */
async function inGroups<Item>(
  items: readonly Item[],
  signal: AbortSignal,
  act: (item: Item) => Promise<void>,
): Promise<void> {
  for (let from = 0; from < items.length && !signal.aborted; from += atOnce)
    await Promise.all(items.slice(from, from + atOnce).map(act));
}
