import type { DeployId, ProjectId } from '@eve/domain';
import type { Caller } from '../caller.ts';
import { getEnvironment } from '../environments/get-environment.ts';
import type { Redact } from '../logs/redact.ts';
import type { Platform } from '../platform.ts';
import type { RuntimeLine } from '../ports/deployer.ts';
import { type LogFilter, type LogSource, logSources, shortInstance } from './log-sources.ts';
import { type NewestLines, newestLines } from './newest-lines.ts';
import { redactorOf } from './secrets-of-environment.ts';

/** A line that an instance of a service printed. */
export interface ServiceLine extends RuntimeLine {
  readonly service: string;
  /** Without the environment's name. */
  readonly instance: string;
  readonly revision: number | null;
}

/** Which lines of an environment are asked for. */
export interface LogQuestion extends Partial<LogFilter> {
  readonly projectId: ProjectId;
  readonly envName: string;
  readonly since?: Date | undefined;
  /** The last so many of all that match; 100 unless said, or 10,000 with `since`. */
  readonly tail?: number | undefined;
  /** Only lines with this text in them, as they are shown: a hidden value is not found. */
  readonly grep?: string | undefined;
}

/** The largest number of lines of one answer. */
export const mostLogLines = 10_000;
const defaultTail = 100;

export type LogParts = Pick<Platform, 'store' | 'deployer' | 'vault' | 'blobs' | 'log'>;

/**
 * What the instances of an environment printed, by time, across replicas and revisions, those that are gone among them. `isCut`:
 * older lines match too. Throws `service_not_found` and the like, naming what there is.
 */
export async function environmentLogs(
  platform: LogParts,
  caller: Caller,
  question: LogQuestion,
  signal: AbortSignal,
): Promise<{ readonly lines: readonly ServiceLine[]; readonly isCut: boolean }> {
  const environment = await getEnvironment(platform, caller, question.projectId, question.envName);
  const filter = filterOf(question);
  const sources = await logSources(platform, environment, filter, question.since ?? null);
  const redact = await redactorOf(platform, environment, deploysOf(sources));
  return newestOf(sources, question, redact, signal);
}

/** The deploys of instances that are there. What was kept of the others was freed of their secrets then. */
export function deploysOf(sources: readonly LogSource[]): Set<DeployId> {
  return new Set(sources.filter(({ state }) => state !== 'gone').map(({ deployId }) => deployId));
}

/** The filter of a question, with every gap filled. */
export function filterOf({ service, instance, revision, previous }: LogQuestion): LogFilter {
  return {
    service: service ?? null,
    instance: instance ?? null,
    revision: revision ?? null,
    previous: previous ?? false,
  };
}

/** The newest lines of these sources. `heard` is told every line of what runs, also of those that do not match. */
export async function newestOf(
  sources: readonly LogSource[],
  { since, tail, grep }: LogQuestion,
  redact: Redact,
  signal: AbortSignal,
  heard?: (source: LogSource, line: RuntimeLine) => void,
): Promise<NewestLines<ServiceLine>> {
  const most = Math.min(mostLogLines, tail ?? (since ? mostLogLines : defaultTail));
  const newest = newestLines<ServiceLine>(most);
  const read = async (source: LogSource, range: { since?: Date; tail?: number }) => {
    const kept: ServiceLine[] = [];
    const shownOf = await linesOf(source);
    for await (const line of source.lines(range, signal)) {
      if (source.until === null) heard?.(source, line);
      // Looked for in what is shown: otherwise an answer would tell whether a guess of a secret is right.
      const shown = shownOf(line, redact, grep);
      if (shown) kept.push(shown);
      // One more than are wanted, so that it is seen that there are more.
      if (kept.length > 2 * most + 1) kept.splice(0, kept.length - most - 1);
    }
    signal.throwIfAborted();
    newest.add(kept.slice(-most - 1));
  };
  const from = since && { since };
  const running = sources.filter(({ until }) => until === null);
  // Following goes on after the last line that was heard here, so more than one line must be seen of each.
  const last = grep === undefined ? { tail: Math.max(most + 1, heard ? 1000 : 0) } : {};
  await Promise.all(running.map((source) => read(source, { ...from, ...last })));
  const gone = sources.flatMap((source) => (source.until ? [{ source, until: source.until }] : []));
  for (const { source, until } of gone.sort((one, other) => other.until.getTime() - one.until.getTime())) {
    if (newest.from && until < newest.from) break;
    await read(source, { ...from });
  }
  return newest;
}

/** Makes lines of a source into what is shown of them; null when they do not hold the text that is looked for. */
export async function linesOf(
  source: LogSource,
): Promise<(line: RuntimeLine, redact: Redact, grep: string | undefined) => ServiceLine | null> {
  const place = { service: source.service, instance: shortInstance(source), revision: await source.revision() };
  return ({ at, stream, text }, redact, grep) => {
    const shown = redact(text);
    return grep !== undefined && !shown.includes(grep) ? null : { at, ...place, stream, text: shown };
  };
}
