import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { root } from './source-files.ts';
import { type Ending, type Outcome, outcomeOfFile, outcomeOfProgram, together } from './test-outcome.ts';
import type { Suite } from './test-suites.ts';

export interface RunOptions {
  /** Where the events of the files are written. */
  readonly scratch: string;
  /** The whole environment of the tests. */
  readonly variables: NodeJS.ProcessEnv;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

const reporter = pathToFileURL(join(import.meta.dirname, 'test-events.ts')).href;
const keptCharacters = 6_000;
const graceMs = 8_000;

/** Runs a suite: each file in a process of its own, which may be ended without harm to the others. */
export async function runSuite(suite: Suite, options: RunOptions): Promise<Outcome> {
  if ('program' in suite.run) return outcomeOfProgram(suite.name, await runProcess(suite.run.program, suite, options));
  const waiting = [...suite.run.files];
  const outcomes: Outcome[] = [];
  const worker = async () => {
    for (let path = waiting.shift(); path !== undefined && !options.signal.aborted; path = waiting.shift()) {
      outcomes.push(await runFile(path, suite, options));
    }
  };
  await Promise.all(Array.from({ length: suite.concurrency }, worker));
  options.signal.throwIfAborted();
  return together(outcomes);
}

async function runFile(path: string, suite: Suite, options: RunOptions): Promise<Outcome> {
  const events = join(options.scratch, `${path.replaceAll('/', '-')}.jsonl`);
  const flags = [`--test-reporter=${reporter}`, `--test-reporter-destination=${events}`];
  const began = performance.now();
  const ending = await runProcess([process.execPath, ...flags, path], suite, options);
  const outcome = await outcomeOfFile(path, events, ending, suite.timeoutMs);
  const mark = outcome.failures.length > 0 ? '✗' : '✓';
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  options.say(`  ${mark} ${path} (${outcome.passed} passed, ${outcome.failures.length} failed, ${seconds} s)`);
  for (const line of outcome.said) options.say(`      ${line}`);
  return outcome;
}

/** Runs a program as the head of a process group of its own, which is ended as a whole. */
async function runProcess(words: readonly string[], suite: Suite, { variables, signal }: RunOptions): Promise<Ending> {
  const [file = '', ...args] = words;
  const child = spawn(file, args, { cwd: root, env: variables, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed = (printed + text).slice(-keptCharacters);
    });
  }
  const exited = new Promise<number | null>((resolve) => {
    child.once('error', (error) => {
      printed += error.message;
      resolve(null);
    });
    child.once('exit', resolve);
  });
  const closed = new Promise((resolve) => child.once('close', resolve));
  const isOver = new AbortController();
  const limit = AbortSignal.any([signal, isOver.signal]);
  const late = sleep(suite.timeoutMs, 'late' as const, { signal: limit, ref: false }).catch(() => 'late' as const);
  const first = await Promise.race([exited.then((code) => ({ code })), late]);
  isOver.abort();
  if (first !== 'late') {
    // What a test leaves in its group would hold the pipes open.
    sendToGroup(child, 'SIGKILL');
    await Promise.race([closed, sleep(1_000, null, { ref: false })]);
    return { code: first.code, timedOut: false, printed };
  }
  sendToGroup(child, 'SIGTERM');
  await Promise.race([exited, sleep(graceMs, null, { ref: false })]);
  sendToGroup(child, 'SIGKILL');
  return { code: await exited, timedOut: !signal.aborted, printed };
}

function sendToGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // The group is gone.
  }
}
