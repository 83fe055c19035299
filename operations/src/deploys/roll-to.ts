import type { Environment } from '@eve/domain';
import type { Platform } from '../platform.ts';
import type { DeployerEvent, DeployTarget, Instance, Rolling } from '../ports/deployer.ts';
import type { ClaimedWork } from '../ports/work-queue.ts';
import { followLogs } from '../runtime-logs/follow-removal.ts';
import { recordEndpoints } from './record-endpoints.ts';

const usualPreStopMs = 5_000;
const marginMs = 5_000;
const longestMs = 60_000;

interface Where {
  readonly environment: Environment;
  readonly work: ClaimedWork;
  /** Ends with the worker: logs are kept also when a deploy is cancelled. */
  readonly signal: AbortSignal;
}

/** Has the runtime exchange instances for those of a target. Records where new ones are reached, and keeps the logs of those that go. */
export async function* rollTo(
  platform: Platform,
  { environment, work, signal }: Where,
  target: DeployTarget,
  by: Rolling,
  until: AbortSignal,
): AsyncGenerator<DeployerEvent> {
  const leaving = (await platform.deployer.observe(environment.id)).filter((each) => isReplaced(target, each));
  const events = by.roll(target, work.lease, until);
  for await (const event of keepingLogs(platform, { environment, target, signal }, leaving, events)) {
    until.throwIfAborted();
    if (event.type === 'started') await recordEndpoints(platform, { environment }, work, event.instance);
    yield event;
  }
  until.throwIfAborted();
}

/** Whether an instance stands in the place of others that a target wants. */
export function isReplaced({ services }: Pick<DeployTarget, 'services'>, { service, hash }: Instance): boolean {
  return services.some((wanted) => wanted.service.name === service && wanted.hash !== hash);
}

/** The same events, while the logs of instances are read that may be removed meanwhile: of those that are gone by the end they are kept. */
export async function* keepingLogs(
  platform: Platform,
  { environment, target, signal }: Omit<Where, 'work'> & { readonly target: DeployTarget },
  instances: readonly Instance[],
  events: AsyncIterable<DeployerEvent>,
): AsyncGenerator<DeployerEvent> {
  if (instances.length === 0) return yield* events;
  await using following = await followLogs(platform, environment, instances, signal);
  try {
    yield* events;
  } finally {
    // Whoever takes over follows what is left by then.
    const observed = signal.aborted ? null : await platform.deployer.observe(environment.id).catch(() => null);
    if (observed) {
      const there = new Set(observed.map(({ name }) => name));
      const gone = instances.filter(({ name }) => !there.has(name));
      await following.keep(gone, goingMs(target));
    }
  }
}

/** How long an instance on its way out may still print, as far as somebody waits for it. */
function goingMs({ services }: DeployTarget): number {
  const times = services.map(({ service }) => service.stopGracePeriodMs + (service.preStopMs ?? usualPreStopMs));
  return Math.min(longestMs, Math.max(0, ...times) + marginMs);
}
