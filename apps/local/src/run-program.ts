import { spawn } from 'node:child_process';

/** Where messages for the person at the terminal go, one line at a time. */
export type Log = (line: string) => void;

export interface RunOptions {
  readonly cwd?: string;
  /** The whole environment; without it the program has ours. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly signal?: AbortSignal;
  /** Gets every line of both streams as it comes. */
  readonly onLine?: Log;
}

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program ended with an error, could not be started, or was stopped. */
export class ProgramFailed extends Error {
  override readonly name = 'ProgramFailed';
  readonly program: string;
  readonly code: number;

  constructor(program: string, code: number, detail: string, options?: ErrorOptions) {
    super(`${program} ended with code ${code}${detail && `: ${detail}`}`, options);
    this.program = program;
    this.code = code;
  }
}

/** Runs a program to its end and answers with what it printed, whatever its exit code. */
export function tryProgram(program: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: options.env,
      signal: options.signal,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const printed = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      let rest = '';
      child[name].setEncoding('utf8').on('data', (text: string) => {
        printed[name] += text;
        if (!options.onLine) return;
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        lines.forEach(options.onLine);
      });
    }
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? 137, ...printed }));
  });
}

/** Runs a program to its end and answers with its standard output; throws `ProgramFailed` when it fails. */
export async function runProgram(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const ended = await tryProgram(program, args, options);
  if (ended.code === 0) return ended.stdout;
  throw new ProgramFailed(program, ended.code, lastLines(ended.stderr || ended.stdout, 5));
}

/** The last lines with something in them, as one line for a message. */
export function lastLines(text: string, count: number): string {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
    .slice(-count)
    .join(' | ');
}
