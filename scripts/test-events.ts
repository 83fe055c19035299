import type { TestEvent } from 'node:test/reporters';

/** One test that ended, or what one of them said, as a line of JSON. */
export type Event =
  | { readonly kind: 'pass'; readonly name: string }
  | { readonly kind: 'skip'; readonly name: string; readonly reason: string }
  | { readonly kind: 'fail'; readonly name: string; readonly error: string }
  | { readonly kind: 'say'; readonly text: string };

/** The reporter that `node --test-reporter` is given: it writes only what ends a test, and diagnostics of tests. */
export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    const known = eventOf(event);
    if (known) yield `${JSON.stringify(known)}\n`;
  }
}

const totals = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) /;

function eventOf(event: TestEvent): Event | null {
  if (event.type === 'test:diagnostic') {
    return totals.test(event.data.message) ? null : { kind: 'say', text: event.data.message };
  }
  if (event.type === 'test:pass') {
    const { name, skip, todo, details } = event.data;
    if (skip !== undefined || todo !== undefined) {
      const reason = [skip, todo].find((it) => typeof it === 'string') ?? 'no reason given';
      return { kind: 'skip', name, reason };
    }
    return details.type === 'suite' ? null : { kind: 'pass', name };
  }
  if (event.type === 'test:fail') {
    const { name, details } = event.data;
    const { failureType, cause } = details.error as Error & { failureType?: string };
    // Whatever failed inside of it was told already.
    if (failureType === 'subtestsFailed') return null;
    return { kind: 'fail', name, error: textOf(cause ?? details.error) };
  }
  return null;
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return `${error.stack ?? error.message}${cause === undefined ? '' : `\ncaused by: ${textOf(cause)}`}`;
}
