import type { Platform } from '../platform.ts';
import type { DeployTarget, Halting, Instance } from '../ports/deployer.ts';
import { pause } from '../work/pause.ts';

const pollMs = 200;
const longestMs = 30_000;

/**
 * Starts instances again that were stopped for a deploy, and waits until they answer their checks: they served before and get traffic
 * again next. Waits for a while only, because whatever they are now, nothing else can take their place.
 */
export async function bringBack(
  { deployer, now }: Pick<Platform, 'deployer' | 'now'>,
  exchange: Halting,
  target: Pick<DeployTarget, 'services' | 'environment'>,
  stopped: readonly Instance[],
  signal: AbortSignal,
): Promise<void> {
  if (stopped.length === 0) return;
  await exchange.resume(stopped, signal);
  const until = now().getTime() + longestMs;
  const names = new Set(stopped.map(({ name }) => name));
  for (;;) {
    const instances = (await deployer.observe(target.environment.id)).filter(({ name }) => names.has(name));
    const ready = await Promise.all(
      instances.map(async (each) => {
        const wanted = target.services.find(({ service }) => service.name === each.service);
        if (!wanted) return true;
        return each.state === 'running' && (await deployer.probe(wanted, each, signal)).every(({ ok }) => ok);
      }),
    );
    if (ready.every(Boolean) || now().getTime() >= until) return;
    signal.throwIfAborted();
    await pause(pollMs, signal);
  }
}
