import { readFile } from 'node:fs/promises';
import type { Event } from './test-events.ts';

/** What a run of one file or program, or of many, came to. */
export interface Outcome {
  readonly passed: number;
  readonly failures: readonly Failure[];
  readonly skips: readonly { readonly where: string; readonly name: string; readonly reason: string }[];
  readonly said: readonly string[];
}

export interface Failure {
  readonly where: string;
  readonly name: string;
  readonly error: string;
}

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly timedOut: boolean;
  /** The end of what it printed. */
  readonly printed: string;
}

/** The outcome of a test file: its events, and the end of its process, which may contradict them. */
export async function outcomeOfFile(
  path: string,
  eventsFile: string,
  ending: Ending,
  limitMs: number,
): Promise<Outcome> {
  const text = await readFile(eventsFile, 'utf8').catch(() => '');
  const lines = text.split('\n').filter((line) => line.startsWith('{') && line.endsWith('}'));
  // Written by our own reporter.
  const events = lines.map((line) => JSON.parse(line) as Event);
  const failures = events
    .filter((event) => event.kind === 'fail')
    .map(({ name, error }) => ({ where: path, name, error }));
  const ended = events.filter(({ kind }) => kind !== 'say').length;
  const fail = (name: string) => failures.push({ where: path, name, error: ending.printed });
  if (ending.timedOut) fail(`the file did not end within ${limitMs / 1000} s`);
  else if (ending.code !== 0 && failures.length === 0) fail(`the file ended with ${ending.code ?? 'a signal'}`);
  else if (ended === 0) fail('the file ran no test');
  return {
    passed: events.filter(({ kind }) => kind === 'pass').length,
    failures,
    skips: events.filter((event) => event.kind === 'skip').map(({ name, reason }) => ({ where: path, name, reason })),
    said: events.filter((event) => event.kind === 'say').map((event) => event.text),
  };
}

/** A program is one test: it passes when it ends with 0. */
export function outcomeOfProgram(name: string, { code, timedOut, printed }: Ending): Outcome {
  const reason = timedOut ? 'it did not end in time' : `it ended with ${code ?? 'a signal'}`;
  const failures = code === 0 && !timedOut ? [] : [{ where: name, name: reason, error: printed }];
  return { passed: 1 - failures.length, failures, skips: [], said: [] };
}

/** All of them together. */
export function together(outcomes: readonly Outcome[]): Outcome {
  return {
    passed: outcomes.reduce((sum, { passed }) => sum + passed, 0),
    failures: outcomes.flatMap(({ failures }) => failures),
    skips: outcomes.flatMap(({ skips }) => skips),
    said: outcomes.flatMap(({ said }) => said),
  };
}

/** Where nothing may be left out, a test that was skipped has failed. */
export function withoutSkips({ failures, skips, ...rest }: Outcome): Outcome {
  const failed = skips.map(({ where, name, reason }) => ({
    where,
    name,
    error: `skipped, which CI forbids: ${reason}`,
  }));
  return { ...rest, failures: [...failures, ...failed], skips: [] };
}
