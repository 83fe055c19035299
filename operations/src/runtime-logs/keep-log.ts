import type { Environment } from '@eve/domain';
import type { Redact } from '../logs/redact.ts';
import type { Platform } from '../platform.ts';
import type { Instance, RuntimeLine } from '../ports/deployer.ts';
import { pause } from '../work/pause.ts';
import { packedLines } from './archived-lines.ts';

/** Of one instance, in characters: the newest lines are kept. */
const mostCharacters = 16 * 1024 * 1024;
const pausesMs = [200, 1000];

/** Below it are the logs of the removed instances of an environment, among the blobs. */
export function instanceLogsPrefix({ tenantId, id }: Pick<Environment, 'tenantId' | 'id'>): string {
  return `instance-logs/${tenantId}/${id}`;
}

/** Where the log of an instance is kept: of another one by its name, or after another start, elsewhere. */
export function instanceLogKey(
  environment: Pick<Environment, 'tenantId' | 'id'>,
  { name, deployId, startedAt }: Pick<Instance, 'name' | 'deployId' | 'startedAt'>,
): string {
  return `${instanceLogsPrefix(environment)}/${deployId}/${name}-${startedAt?.getTime() ?? 0}.gz`;
}

/** Stores what an instance printed. */
export async function keepLog(
  { store, blobs, now }: Pick<Platform, 'store' | 'blobs' | 'now'>,
  environment: Environment,
  instance: Instance,
  lines: readonly RuntimeLine[],
): Promise<void> {
  const { name, service, deployId } = instance;
  const [first, last] = [lines[0], lines.at(-1)];
  if (!first || !last) return;
  const key = instanceLogKey(environment, instance);
  const { sizeBytes } = await blobs.put(key, packedLines(lines), { maxBytes: 4 * mostCharacters });
  const { tenantId, id: environmentId } = environment;
  await store.instanceLogs.insert({
    ...{ tenantId, environmentId, service, instance: name, deployId, from: first.at, to: last.at },
    ...{ lines: lines.length, key, sizeBytes, archivedAt: now() },
  });
}

/** Tries some times to keep the log of an instance. One that cannot be kept is lost, and said, rather than that it stays for ever. */
export async function tryToKeep(
  { log }: Pick<Platform, 'log'>,
  environment: Environment,
  instance: Instance,
  signal: AbortSignal,
  keep: () => Promise<void>,
): Promise<void> {
  for (const [attempt, waitMs] of [...pausesMs, null].entries()) {
    signal.throwIfAborted();
    try {
      return await keep();
    } catch (error) {
      signal.throwIfAborted();
      if (waitMs !== null) await pause(waitMs, signal);
      else {
        const about = { environmentId: environment.id, instance: instance.name, attempts: attempt + 1 };
        log.warn(
          { ...about, error: error instanceof Error ? error.message : String(error) },
          'the log of an instance could not be kept',
        );
      }
    }
  }
}

/** All lines, or the newest of them with one before that says how many are missing. */
export async function newestOf(
  lines: AsyncIterable<RuntimeLine>,
  redact: Redact,
  most = mostCharacters,
): Promise<RuntimeLine[]> {
  let kept: RuntimeLine[] = [];
  let left: RuntimeLine | undefined;
  let leftOut = 0;
  let characters = 0;
  let first = 0;
  for await (const line of lines) {
    kept.push({ ...line, text: redact(line.text) });
    characters += line.text.length + 1;
    while (characters > most && first < kept.length - 1) {
      left = kept[first++];
      characters -= (left?.text.length ?? 0) + 1;
      leftOut += 1;
    }
    if (first > 10_000 && first > kept.length / 2) [kept, first] = [kept.slice(first), 0];
  }
  const rest = kept.slice(first);
  if (!left) return rest;
  return [{ at: left.at, stream: 'stderr', text: `… ${leftOut} older lines of this instance were not kept.` }, ...rest];
}
