import type { Environment } from '@eve/domain';
import type { Redact } from '../logs/redact.ts';
import type { Platform } from '../platform.ts';
import type { Halting, Instance } from '../ports/deployer.ts';
import { followLogs } from './follow-removal.ts';
import { keepLog, newestOf, tryToKeep } from './keep-log.ts';
import { redactorOf } from './secrets-of-environment.ts';

type Parts = Pick<Platform, 'store' | 'vault' | 'blobs' | 'deployer' | 'now' | 'log'>;

const longestMs = 60_000;

/**
 * Stops and removes instances, and keeps what they printed, to the last line of their stopping. The one way to remove instances: may
 * be repeated after a crash. A log that cannot be kept is lost, and said, rather than that an instance stays for ever.
 */
export async function removeInstances(
  platform: Parts,
  environment: Environment,
  instances: readonly Instance[],
  signal: AbortSignal,
): Promise<void> {
  if (instances.length === 0) return;
  const { deployer } = platform;
  if (deployer.exchange.by === 'halting') {
    await archiveHalted(platform, environment, instances, deployer.exchange, signal);
    return deployer.remove(instances, signal);
  }
  // What is stopped there is gone: its last lines are read while it goes.
  await using following = await followLogs(platform, environment, instances, signal);
  await deployer.remove(instances, signal);
  await following.keep(instances);
}

async function archiveHalted(
  platform: Parts,
  environment: Environment,
  instances: readonly Instance[],
  exchange: Halting,
  signal: AbortSignal,
): Promise<void> {
  await exchange.halt(
    instances.filter(({ state }) => state !== 'exited'),
    signal,
  );
  // Made once, and only from what each of these was given: without it nothing is kept, because it would be kept with its secrets.
  let redact: Promise<Redact> | null = null;
  const deployIds = instances.map(({ deployId }) => deployId);
  for (const instance of instances) {
    await tryToKeep(platform, environment, instance, signal, async () => {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(longestMs)]);
      redact ??= redactorOf(platform, environment, deployIds);
      redact.catch(() => {
        redact = null;
      });
      const lines = await newestOf(platform.deployer.logs({ name: instance.name }, {}, limit), await redact);
      limit.throwIfAborted();
      await keepLog(platform, environment, instance, lines);
    });
  }
}
