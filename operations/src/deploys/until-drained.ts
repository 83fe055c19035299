import type { Platform } from '../platform.ts';
import type { Instance } from '../ports/deployer.ts';
import { pause } from '../work/pause.ts';

const pollMs = 100;

/** Resolves when nothing runs on these instances any more, or the time to drain is over. Throws when the signal ends it. */
export async function untilDrained(
  { router, settings, now }: Pick<Platform, 'router' | 'settings' | 'now'>,
  instances: readonly Pick<Instance, 'name'>[],
  signal: AbortSignal,
): Promise<void> {
  const until = now().getTime() + settings.drainMs;
  for (const { name } of instances) {
    while ((await router.active(name)) > 0 && now().getTime() < until) {
      signal.throwIfAborted();
      await pause(pollMs, signal);
    }
  }
  signal.throwIfAborted();
}
