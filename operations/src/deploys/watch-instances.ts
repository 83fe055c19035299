import { DeployFailed, type DeployFailure, type ProbeResult } from '@eve/domain';
import type { Platform } from '../platform.ts';
import type { Instance, ServiceTarget } from '../ports/deployer.ts';
import { pause } from '../work/pause.ts';
import { deployFailure } from './deploy-failure.ts';
import type { Execution } from './execution.ts';
import { instanceReports } from './instance-reports.ts';

const longestLookMs = 1_000;
const looksAtLeast = 20;
const defaultRetries = 3;
// Of one instance: a window may last an hour.
const mostProbes = 300;
/** For so long a runtime may take to put another instance in the place of one that it took away. */
const longestComingMs = 60_000;

/** How long to wait between two looks at something that is watched for a time: a second, less where the time is short. Null: no end. */
export function lookMs(watchedMs: number | null): number {
  if (watchedMs === null) return longestLookMs;
  return Math.min(longestLookMs, Math.max(10, watchedMs / looksAtLeast));
}

interface WatchOptions {
  readonly forMs: number;
  /** One that has started later than this has restarted. */
  readonly since: Date;
  readonly everyMs?: number;
  /** Ends the watch early when it is so, and nothing is doubtful. */
  readonly enough?: () => Promise<boolean>;
}

interface Seen {
  readonly wanted: ServiceTarget;
  name: string;
  restarts: number;
  readonly since: Date;
  readonly probes: ProbeResult[];
  failed: number;
  /** Since when another one is waited for in its place; null: it is there. */
  comingSince: Date | null;
}

/**
 * Looks at instances that were healthy, for a time and until none of them is doubtful; once at least. Throws DeployFailed `unstable`
 * with all that was seen when one exits, restarts, or does not answer its check as often in a row as its service allows.
 */
export async function watchInstances(
  platform: Platform,
  { context, until }: Pick<Execution, 'context' | 'until'>,
  watched: readonly Instance[],
  { forMs, since, everyMs = lookMs(forMs), enough }: WatchOptions,
): Promise<void> {
  const { deployer, now } = platform;
  const { target, environment } = context;
  const seen = watched.flatMap((instance): Seen[] => {
    const { name, service, restarts } = instance;
    const wanted = target.services.find((each) => each.service.name === service);
    const comingSince = isComing(platform, instance) ? now() : null;
    return wanted ? [{ wanted, name, restarts, since, probes: [], failed: 0, comingSince }] : [];
  });
  const end = now().getTime() + forMs;
  for (;;) {
    until.throwIfAborted();
    const instances = await deployer.observe(environment.id);
    // A machine that is emptied, or an autoscaler, says nothing about a revision.
    if (deployer.exchange.by === 'rolling') for (const each of seen) takeItsPlace(each, seen, instances, now());
    const answers = seen.map(async (each) => ({ each, trouble: await look(platform, each, instances, until) }));
    const found = (await Promise.all(answers)).find(({ trouble }) => trouble !== null);
    until.throwIfAborted();
    if (found?.trouble) throw new DeployFailed(await unstable(platform, found.each, found.trouble, seen, instances));
    const doubtful = seen.some(({ failed, comingSince }) => failed > 0 || comingSince !== null);
    if (!doubtful && (now().getTime() >= end || (await enough?.()))) return;
    await pause(everyMs, until);
  }
}

/** Whether the runtime has just put it in the place of one that it took away, and it has not run yet. */
function isComing({ deployer }: Pick<Platform, 'deployer'>, { state, startedAt, restarts }: Instance): boolean {
  return deployer.exchange.by === 'rolling' && state === 'restarting' && startedAt === null && restarts === 0;
}

/** Has one that the runtime took away followed by another of the same service and hash, once there is one. */
function takeItsPlace(gone: Seen, seen: readonly Seen[], instances: readonly Instance[], at: Date): void {
  if (instances.some(({ name }) => name === gone.name)) return;
  gone.comingSince ??= at;
  const { service, hash } = gone.wanted;
  const watched = new Set(seen.map(({ name }) => name));
  const other = instances.find(
    (each) =>
      each.service === service.name && each.hash === hash && each.state === 'running' && !watched.has(each.name),
  );
  if (!other) return;
  gone.name = other.name;
  gone.restarts = other.restarts;
}

/** What is wrong with an instance for good, in a sentence; null while it may still be well. */
async function look(
  { deployer, now }: Pick<Platform, 'deployer' | 'now'>,
  seen: Seen,
  instances: readonly Instance[],
  until: AbortSignal,
): Promise<string | null> {
  const { wanted, name, since, comingSince } = seen;
  const mayCome = comingSince !== null && now().getTime() - comingSince.getTime() < longestComingMs;
  const instance = instances.find((each) => each.name === name);
  if (!instance) return mayCome ? null : `Instance ${name} of service ${wanted.service.name} is gone.`;
  if (instance.state === 'exited')
    return `Instance ${name} of service ${wanted.service.name} was healthy and has exited.`;
  if (mayCome && isComing({ deployer }, instance)) return null;
  // A new one is under a new name there, and its own restarts are counted.
  const counts = deployer.exchange.by === 'rolling' && instance.restarts === 0;
  const again = !counts && instance.startedAt !== null && instance.startedAt > since;
  if (instance.state === 'restarting' || instance.restarts > seen.restarts || again)
    return `Instance ${name} of service ${wanted.service.name} was healthy and has restarted.`;
  const results = await deployer.probe(wanted, instance, until);
  seen.probes.push(...results);
  seen.probes.splice(0, seen.probes.length - mostProbes);
  const bad = results.find(({ ok }) => !ok);
  if (bad && mayCome) return null;
  seen.comingSince = null;
  seen.failed = bad ? seen.failed + 1 : 0;
  if (!bad || seen.failed < retriesOf(wanted)) return null;
  const times = seen.failed > 1 ? ` (${seen.failed} times in a row)` : '';
  return `Instance ${name} of service ${wanted.service.name} was healthy and is not any more: ${bad.detail}${times}.`;
}

function retriesOf({ service }: ServiceTarget): number {
  const { healthcheck, probes } = service;
  return Math.max(1, (probes.ready ?? healthcheck ?? probes.live)?.retries ?? defaultRetries);
}

async function unstable(
  platform: Pick<Platform, 'deployer'>,
  { wanted, name, probes }: Seen,
  message: string,
  seen: readonly Seen[],
  instances: readonly Instance[],
): Promise<DeployFailure> {
  const probed = Object.fromEntries(seen.map((each) => [each.name, each.probes]));
  const watched = instances.filter((each) => probed[each.name]);
  const reports = await instanceReports(platform, watched, probed);
  const logs = reports.find(({ instance }) => instance === name)?.logs ?? [];
  return { ...deployFailure('unstable', message, wanted.service.name), probes, logs, instances: reports };
}
