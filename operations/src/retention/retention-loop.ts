import { pause } from '../work/pause.ts';
import { collect } from './collect-garbage.ts';
import type { RetentionNeeds } from './planned.ts';
import { hold } from './registry-gate.ts';

/** Neither at the start, when everything wants to begin, nor much later than it is due. */
const lookMs = 5 * 60_000;
const waitMs = 10 * 60_000;

/** Collects garbage as often as the policy says, in one process of the installation at a time, until the signal. */
export async function collectGarbageRegularly(platform: RetentionNeeds, signal: AbortSignal): Promise<void> {
  const { everyMs } = platform.settings.retention;
  if (everyMs === 0) return;
  for (;;) {
    await pause(Math.min(lookMs, everyMs), signal);
    if (signal.aborted) return;
    await collectWhenDue(platform, signal).catch((error: unknown) => {
      if (!signal.aborted) platform.log.warn({ error: String(error) }, 'garbage could not be collected');
    });
  }
}

/** False when it is not due, or another process does it. */
export async function collectWhenDue(platform: RetentionNeeds, signal: AbortSignal): Promise<boolean> {
  await using lock = await hold(platform, 'garbage', signal, platform.settings.retention.everyMs);
  if (!lock) return false;
  const { items, notes, freedBytes } = await collect(platform, 'system', waitMs, lock.signal);
  platform.log.info({ removed: items.length, freedBytes, notes }, 'garbage was collected');
  return true;
}
