import { parseArgs } from 'node:util';
import { openTestMachine, type TestMachine } from './test-machine.ts';
import { type Outcome, together, withoutSkips } from './test-outcome.ts';
import { runSuite } from './test-run.ts';
import { allSuites, type Suite } from './test-suites.ts';

const help = `npm test [-- options]

Runs the tests of this checkout; what they need and this machine lacks is installed. The last line is the count.

  --only <suite,…>   only these suites; without it all but the heavy ones, which .ci/run adds
  --file <part>      only test files with this in their path
  --list             the suites and their files
  --help             this text`;

const say = (line: string) => process.stdout.write(`${line}\n`);
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

interface Share {
  readonly suite: string;
  readonly outcome: Outcome;
  readonly ms: number;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      file: { type: 'string' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    say(help);
    return 0;
  }
  const all = allSuites();
  const names = values.only?.split(',') ?? (values.list ? all.map(({ name }) => name) : undefined);
  const suites = chosen(all, names, values.file);
  if (values.list) {
    for (const { name, about, run } of suites)
      say([`${name}: ${about}`, ...('files' in run ? run.files : [])].join('\n  '));
    return 0;
  }

  const leaving = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => leaving.abort(new Error(`The tests were stopped by ${name}.`)));
  }
  process.on('uncaughtException', (error) => leaving.abort(error));
  const shares: Share[] = [];
  let broken: unknown = null;
  try {
    await using machine = await openTestMachine((line) => say(`  ${line}`));
    for (const suite of suites) shares.push(await shareOf(suite, machine, leaving.signal));
  } catch (error) {
    broken = error;
  }
  return summary(shares, broken);
}

function chosen(suites: readonly Suite[], names: readonly string[] | undefined, part: string | undefined): Suite[] {
  const unknown = names?.find((name) => !suites.some((suite) => suite.name === name));
  if (unknown !== undefined)
    throw new Error(`There is no suite "${unknown}": ${suites.map(({ name }) => name).join(', ')}`);
  const wanted = suites.filter(({ name, heavy }) => (names === undefined ? !heavy : names.includes(name)));
  if (part === undefined) return wanted;
  return wanted.flatMap((suite) => {
    const files = 'files' in suite.run ? suite.run.files.filter((path) => path.includes(part)) : [];
    return files.length > 0 ? [{ ...suite, run: { files } }] : [];
  });
}

/** Runs one suite. What keeps it from running at all is a failure of it, and the next one has its turn. */
async function shareOf(suite: Suite, machine: TestMachine, signal: AbortSignal): Promise<Share> {
  say(`\n${suite.name}: ${suite.about}`);
  const began = performance.now();
  const { scratch, variables } = machine;
  let outcome: Outcome;
  try {
    if (suite.needs !== 'nothing') {
      await machine.prepare(suite.needs, signal);
      say(`  the machine was ready after ${seconds(performance.now() - began)}`);
    }
    outcome = await runSuite(suite, { scratch, variables, say, signal });
  } catch (error) {
    if (signal.aborted) throw error;
    const failure = { where: suite.name, name: 'the suite could not run', error: textOf(error) };
    outcome = { passed: 0, failures: [failure], skips: [], said: [] };
  }
  if (/^(true|1)$/.test(process.env.CI ?? '')) outcome = withoutSkips(outcome);
  const ms = performance.now() - began;
  const { passed, failures, skips } = outcome;
  const skipped = skips.length > 0 ? `, ${skips.length} skipped` : '';
  say(`${suite.name}: ${passed} passed, ${failures.length} failed${skipped} in ${seconds(ms)}`);
  for (const { where, name, reason } of skips) say(`  skipped: ${where}: ${name} (${reason})`);
  for (const { where, name, error } of failures) say(`  FAILED ${where}: ${name}\n${indented(error)}`);
  return { suite: suite.name, outcome, ms };
}

/** Prints each suite's share and the count; answers with the exit code. */
function summary(shares: readonly Share[], broken: unknown): number {
  const all = together(shares.map(({ outcome }) => outcome));
  const totalMs = shares.reduce((sum, { ms }) => sum + ms, 0);
  say('\nsuite        passed  failed  skipped      time  share');
  for (const { suite, outcome, ms } of shares) {
    const { passed, failures, skips } = outcome;
    const counts = [passed, failures.length, skips.length].map((count, index) =>
      String(count).padStart(index === 2 ? 9 : 8),
    );
    const share = `${Math.round((100 * ms) / Math.max(totalMs, 1))} %`;
    say(`${suite.padEnd(11)}${counts.join('')}${seconds(ms).padStart(10)}${share.padStart(7)}`);
  }
  if (all.failures.length > 0) say('\nFailed:');
  for (const { where, name } of all.failures) say(`  ${where}: ${name}`);
  if (broken !== null) say(`\n${textOf(broken)}`);
  const failed = all.failures.length + (broken === null ? 0 : 1);
  say(`\n${all.passed} passed, ${failed} failed`);
  return failed > 0 || all.passed === 0 ? 1 : 0;
}

function indented(text: string): string {
  return text
    .trim()
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

process.exitCode = await main().catch((error: unknown) => {
  say(error instanceof Error ? error.message : String(error));
  return 2;
});
