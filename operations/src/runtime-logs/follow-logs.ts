import { type DeployId, type Environment, PlatformError } from '@eve/domain';
import type { Caller } from '../caller.ts';
import { getEnvironment } from '../environments/get-environment.ts';
import type { Redact } from '../logs/redact.ts';
import type { Instance, RuntimeLine } from '../ports/deployer.ts';
import { pause } from '../work/pause.ts';
import { type LineQueue, lineQueue } from './line-queue.ts';
import {
  type LogFilter,
  type LogSource,
  logSources,
  matches,
  revisionNumbers,
  runningSource,
  shortInstance,
} from './log-sources.ts';
import {
  deploysOf,
  filterOf,
  type LogParts,
  type LogQuestion,
  linesOf,
  newestOf,
  type ServiceLine,
} from './read-logs.ts';
import { redactorOf } from './secrets-of-environment.ts';

/** What a follower is told: lines by time, and which instances came and went. */
export type LogNews =
  | { readonly type: 'lines'; readonly lines: readonly ServiceLine[] }
  | {
      readonly type: 'instance';
      readonly state: 'followed' | 'gone';
      readonly service: string;
      readonly instance: string;
      readonly revision: number | null;
    };

const lookMs = 1000;
/** Lines of several instances that come within it are brought into the order of their times. */
const gatherMs = 40;

/**
 * As `environmentLogs`, and then what is printed from now on, also by instances that are started later, until the signal, or until
 * the environment is deleted. Throws before the first news what `environmentLogs` does; the question's `previous` is refused, as what
 * is gone prints nothing.
 */
export async function followEnvironmentLogs(
  platform: LogParts,
  caller: Caller,
  question: LogQuestion,
  signal: AbortSignal,
): Promise<AsyncGenerator<LogNews, void, undefined>> {
  if (question.previous)
    throw new PlatformError(
      'request_invalid',
      'Instances that are gone print nothing: leave out `follow` or `previous`.',
    );
  const environment = await getEnvironment(platform, caller, question.projectId, question.envName);
  const filter = filterOf(question);
  const sources = await logSources(platform, environment, filter, question.since ?? null);
  const deployIds = deploysOf(sources);
  const heard = new Map<string, Place>();
  const redact = await redactorOf(platform, environment, deployIds);
  const { lines } = await newestOf(sources, question, redact, signal, (source, line) => {
    heard.set(source.instance, placeAfter(heard.get(source.instance), line));
  });
  return newsOf({ platform, environment, filter, grep: question.grep, heard, deployIds, redact }, lines, signal);
}

async function* newsOf(
  about: Omit<Watch, 'queue'>,
  before: readonly ServiceLine[],
  signal: AbortSignal,
): AsyncGenerator<LogNews, void, undefined> {
  if (before.length > 0) yield { type: 'lines', lines: before };
  const left = new AbortController();
  const queue = lineQueue<LogNews>();
  const watching = watch({ ...about, queue }, AbortSignal.any([signal, left.signal]));
  // A failure of the watch ends the queue, which throws it below.
  watching.then(queue.end, queue.fail);
  try {
    for (let news = await queue.take(gatherMs, signal); news; news = await queue.take(gatherMs, signal)) {
      const instances = news.filter((each) => each.type === 'instance');
      const lines = news.flatMap((each) => (each.type === 'lines' ? each.lines : []));
      yield* instances.filter(({ state }) => state === 'followed');
      if (lines.length > 0)
        yield { type: 'lines', lines: lines.sort((one, other) => one.at.getTime() - other.at.getTime()) };
      yield* instances.filter(({ state }) => state === 'gone');
    }
  } finally {
    left.abort();
    await watching.catch(() => {});
  }
}

/** How far an instance was heard: the time of its last line, and how many lines of that time there were. */
interface Place {
  readonly at: number;
  readonly count: number;
}

interface Watch {
  readonly platform: LogParts;
  readonly environment: Environment;
  readonly filter: LogFilter;
  readonly grep: string | undefined;
  readonly queue: LineQueue<LogNews>;
  readonly heard: Map<string, Place>;
  readonly deployIds: Set<DeployId>;
  redact: Redact;
}

interface Followed {
  readonly source: LogSource;
  /** What it looked like when it was last begun with: a restart changes it. */
  readonly run: string;
  isOpen: boolean;
  done: Promise<void>;
}

async function watch(about: Watch, signal: AbortSignal): Promise<void> {
  const { platform, environment, filter, queue, deployIds } = about;
  const revisionOf = revisionNumbers(platform, environment);
  const followed = new Map<string, Followed>();
  for (; !signal.aborted; await pause(lookMs, signal)) {
    const instances = await observed(about);
    if (instances === 'deleted') break;
    if (instances === null) continue;
    for (const instance of instances) {
      const source = runningSource(platform, instance, revisionOf);
      if (!(await matches(source, filter))) continue;
      const known = followed.get(instance.name);
      const run = `${instance.startedAt?.getTime()} ${instance.restarts}`;
      if (known && (known.isOpen || (known.run === run && instance.state !== 'running'))) continue;
      if (!deployIds.has(source.deployId)) {
        // Its secrets are known before its first line is read.
        deployIds.add(source.deployId);
        about.redact = await redactorOf(platform, environment, deployIds);
      }
      if (!known) queue.put(await instanceNews(source, 'followed'));
      followed.set(instance.name, open(about, source, run, signal));
    }
    const names = new Set(instances.map(({ name }) => name));
    for (const [name, { source, isOpen }] of followed) {
      if (names.has(name) || isOpen) continue;
      followed.delete(name);
      about.heard.delete(name);
      queue.put(await instanceNews(source, 'gone'));
    }
  }
  await Promise.all([...followed.values()].map(({ done }) => done));
}

/** What runs; null while that cannot be said, which passes. */
async function observed({ platform, environment }: Watch): Promise<readonly Instance[] | 'deleted' | null> {
  try {
    await platform.store.environments.get(environment.tenantId, environment.id);
    return await platform.deployer.observe(environment.id);
  } catch (error) {
    if (error instanceof PlatformError && error.code === 'environment_not_found') return 'deleted';
    if (error instanceof PlatformError && error.kind !== 'unavailable') throw error;
    return null;
  }
}

function open(about: Watch, source: LogSource, run: string, signal: AbortSignal): Followed {
  const followed: Followed = { source, run, isOpen: true, done: Promise.resolve() };
  followed.done = pump(about, source, signal)
    // It is begun with again at the next look, if it is still there.
    .catch((error: unknown) => {
      if (!signal.aborted)
        about.platform.log.info(
          { instance: source.instance, error: String(error) },
          'a log could not be followed for now',
        );
    })
    .finally(() => {
      followed.isOpen = false;
    });
  return followed;
}

/** Hands on what an instance prints after what was heard of it. */
async function pump(about: Watch, source: LogSource, signal: AbortSignal): Promise<void> {
  const { platform, queue, heard, grep } = about;
  const from = heard.get(source.instance);
  const range = { follow: true, ...(from && { since: new Date(from.at) }) };
  const shownOf = await linesOf(source);
  let passed = 0;
  for await (const line of platform.deployer.logs({ name: source.instance }, range, signal)) {
    if (signal.aborted) return;
    const at = line.at.getTime();
    if (from && (at < from.at || (at === from.at && passed++ < from.count))) continue;
    heard.set(source.instance, placeAfter(heard.get(source.instance), line));
    // Not taken out before: what is hidden grows with what is deployed.
    const shown = shownOf(line, about.redact, grep);
    if (shown) await queue.put({ type: 'lines', lines: [shown] }, signal);
  }
}

function placeAfter(place: Place | undefined, { at }: RuntimeLine): Place {
  return { at: at.getTime(), count: place?.at === at.getTime() ? place.count + 1 : 1 };
}

async function instanceNews(source: LogSource, state: 'followed' | 'gone'): Promise<LogNews> {
  const { service } = source;
  return { type: 'instance', state, service, instance: shortInstance(source), revision: await source.revision() };
}
