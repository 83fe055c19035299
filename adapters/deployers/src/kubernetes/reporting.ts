import type { DeployerEvent } from '@eve/operations';
import { eventChannel } from '../event-channel.ts';

/** Ties what several things at once report to the sequence of one reader, and ends them with it. */
export async function* reporting(
  signal: AbortSignal,
  act: (report: (event: DeployerEvent) => void, signal: AbortSignal) => Promise<void>,
): AsyncGenerator<DeployerEvent> {
  const channel = eventChannel<DeployerEvent>();
  const stop = new AbortController();
  const work = act(channel.push, AbortSignal.any([signal, stop.signal])).then(channel.end, channel.fail);
  try {
    yield* channel.values();
  } finally {
    stop.abort();
    await work;
  }
}
