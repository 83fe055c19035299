import type { Environment } from '@eve/domain';
import type { Redact } from '../logs/redact.ts';
import type { Platform } from '../platform.ts';
import type { Instance, RuntimeLine } from '../ports/deployer.ts';
import { pause } from '../work/pause.ts';
import { packedLines } from './archived-lines.ts';
import { redactorOf } from './secrets-of-environment.ts';

type Parts = Pick<Platform, 'store' | 'vault' | 'blobs' | 'deployer' | 'now' | 'log'>;

/** Of one instance, in characters: the newest lines are kept. */
const mostCharacters = 16 * 1024 * 1024;
const longestMs = 60_000;
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
  await deployer.halt(
    instances.filter(({ state }) => state !== 'exited'),
    signal,
  );
  await archiveAll(platform, environment, instances, signal);
  await deployer.remove(instances, signal);
}

async function archiveAll(
  platform: Parts,
  environment: Environment,
  instances: readonly Instance[],
  signal: AbortSignal,
): Promise<void> {
  // Made once, and only from what each of these was given: without it nothing is kept, because it would be kept with its secrets.
  let redact: Promise<Redact> | null = null;
  for (const instance of instances) {
    for (const [attempt, waitMs] of [...pausesMs, null].entries()) {
      signal.throwIfAborted();
      const limit = AbortSignal.any([signal, AbortSignal.timeout(longestMs)]);
      try {
        redact ??= redactorOf(
          platform,
          environment,
          instances.map(({ deployId }) => deployId),
        );
        await archive(platform, environment, instance, await redact, limit);
        break;
      } catch (error) {
        signal.throwIfAborted();
        redact = null;
        const reason = error instanceof Error ? error.message : String(error);
        if (waitMs !== null) await pause(waitMs, signal);
        else {
          const about = {
            environmentId: environment.id,
            instance: instance.name,
            attempts: attempt + 1,
            error: reason,
          };
          platform.log.warn(about, 'the log of an instance could not be kept');
        }
      }
    }
  }
}

async function archive(
  { store, blobs, deployer, now }: Parts,
  environment: Environment,
  instance: Instance,
  redact: Redact,
  signal: AbortSignal,
): Promise<void> {
  const { name, service, deployId } = instance;
  const lines = await newestOf(deployer.logs({ name }, {}, signal), redact);
  signal.throwIfAborted();
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

/** All lines, or the newest of them with one before that says how many are missing. */
async function newestOf(lines: AsyncIterable<RuntimeLine>, redact: Redact): Promise<RuntimeLine[]> {
  let kept: RuntimeLine[] = [];
  let left: RuntimeLine | undefined;
  let leftOut = 0;
  let characters = 0;
  let first = 0;
  for await (const line of lines) {
    kept.push({ ...line, text: redact(line.text) });
    characters += line.text.length + 1;
    while (characters > mostCharacters && first < kept.length - 1) {
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
