import type { Environment } from '@eve/domain';
import type { Redact } from '../logs/redact.ts';
import type { Platform } from '../platform.ts';
import type { Instance, RuntimeLine } from '../ports/deployer.ts';
import { pause } from '../work/pause.ts';
import { keepLog, newestOf, tryToKeep } from './keep-log.ts';
import { redactorOf } from './secrets-of-environment.ts';

type Parts = Pick<Platform, 'store' | 'vault' | 'blobs' | 'deployer' | 'now' | 'log'>;

/** In characters, of all that are followed at once. */
const mostTogether = 64 * 1024 * 1024;
const attachMs = 500;
const lastLinesMs = 10_000;

/** Instances whose logs are being read to their end. Disposing it ends the reading and drops what was not kept. */
export interface Following extends AsyncDisposable {
  /** Keeps the logs of those that are gone or going, with the last lines they print; what they print later than in `withinMs` is lost. */
  keep(gone: readonly Pick<Instance, 'name'>[], withinMs?: number): Promise<void>;
}

/** Begins to read what instances print, where removing them takes their logs away at once. Resolves when their logs are open. */
export async function followLogs(
  platform: Parts,
  environment: Environment,
  instances: readonly Instance[],
  signal: AbortSignal,
): Promise<Following> {
  const stop = new AbortController();
  const until = AbortSignal.any([signal, stop.signal]);
  const most = Math.floor(mostTogether / Math.max(1, instances.length));
  // Without it nothing is kept, because it would be kept with its secrets.
  const redact = redactorOf(
    platform,
    environment,
    instances.map(({ deployId }) => deployId),
  );
  const followed = instances.map((instance) => {
    const opened = Promise.withResolvers<void>();
    const lines = read(platform, instance, redact, most, until, opened.resolve);
    // A failure is the affair of whoever keeps it.
    lines.catch(() => {}).finally(opened.resolve);
    return { instance, lines, opened: opened.promise };
  });
  // One that prints nothing never says that it is open.
  await Promise.race([Promise.all(followed.map(({ opened }) => opened)), pause(attachMs, until)]);

  return {
    async keep(gone, withinMs = lastLinesMs) {
      const names = new Set(gone.map(({ name }) => name));
      const late = setTimeout(() => stop.abort(), withinMs);
      for (const { instance, lines } of followed.filter((each) => names.has(each.instance.name)))
        await tryToKeep(platform, environment, instance, signal, async () =>
          keepLog(platform, environment, instance, await lines),
        );
      clearTimeout(late);
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.allSettled(followed.map(({ lines }) => lines));
    },
  };
}

async function read(
  { deployer }: Pick<Parts, 'deployer'>,
  { name }: Instance,
  redact: Promise<Redact>,
  most: number,
  until: AbortSignal,
  open: () => void,
): Promise<RuntimeLine[]> {
  const safe = await redact;
  async function* opening(): AsyncGenerator<RuntimeLine> {
    for await (const line of deployer.logs({ name }, { follow: true }, until)) {
      open();
      yield line;
    }
  }
  return newestOf(opening(), safe, most);
}
