import { pipeline } from 'node:stream/promises';
import { lineCutter } from './lines.ts';
import { type Program, type ProgramEnd, ProgramMissing, startProgram } from './program.ts';

export interface RunOptions extends Program {
  /** Written to its standard input, which is then closed. */
  readonly input?: string | AsyncIterable<Uint8Array>;
  /** How much of each stream is kept; of more, the end is kept. */
  readonly maxCapturedBytes?: number;
  /** Gets every line as it comes. */
  readonly onLine?: (stream: 'stdout' | 'stderr', line: string) => void;
}

export interface ProgramOutput extends ProgramEnd {
  readonly stdout: string;
  readonly stderr: string;
  /** Whether the beginning of a stream was dropped. */
  readonly truncated: boolean;
}

/** The program ended with a code that is not 0, or by a signal. */
export class ProgramFailed extends Error {
  override readonly name = 'ProgramFailed';
  readonly output: ProgramOutput;

  constructor(file: string, output: ProgramOutput) {
    super(`${file} ended with ${output.code === null ? output.signal : `code ${output.code}`}`);
    this.output = output;
  }
}

/** Runs a program to its end, whatever its exit code. Rejects with the signal's reason once its group is gone. */
export async function tryProgram(options: RunOptions): Promise<ProgramOutput> {
  const program = await startProgram(options);
  const kept = { stdout: boundedText(options.maxCapturedBytes), stderr: boundedText(options.maxCapturedBytes) };
  for (const name of ['stdout', 'stderr'] as const) {
    const cutter = lineCutter();
    const say = (lines: string[]) => {
      for (const line of lines) options.onLine?.(name, line);
    };
    program[name].on('data', (chunk: Buffer) => {
      kept[name].push(chunk);
      if (options.onLine) say(cutter.push(chunk));
    });
    program[name].once('end', () => options.onLine && say(cutter.end()));
  }

  const written = writeInput(program.stdin, options.input).catch(async (error: unknown) => {
    await program.stop();
    return error;
  });
  const end = await program.ended;
  if (options.signal?.aborted) {
    await program.stop();
    throw options.signal.reason;
  }
  const inputError = await written;
  if (inputError) throw inputError;
  if (end.code === 127 && kept.stderr.text().startsWith('setpriv: failed to execute')) {
    throw new ProgramMissing(`${options.file} could not be started`);
  }
  return {
    ...end,
    stdout: kept.stdout.text(),
    stderr: kept.stderr.text(),
    truncated: kept.stdout.truncated() || kept.stderr.truncated(),
  };
}

/** Runs a program that must succeed. Throws `ProgramFailed` otherwise. */
export async function runProgram(options: RunOptions): Promise<ProgramOutput> {
  const output = await tryProgram(options);
  if (output.code !== 0) throw new ProgramFailed(options.file, output);
  return output;
}

/** The variables of these names that are set: what a program may know of ours. */
export function pickVariables(
  from: Readonly<Record<string, string | undefined>>,
  names: readonly string[],
): Record<string, string> {
  const set = names.map((name) => [name, from[name]] as const);
  return Object.fromEntries(set.filter((entry): entry is readonly [string, string] => entry[1] !== undefined));
}

/** Answers with an error of the input's source; that the program stopped reading is no error. */
async function writeInput(stdin: NodeJS.WritableStream, input: RunOptions['input']): Promise<unknown> {
  if (input === undefined || typeof input === 'string') {
    stdin.end(input ?? '');
    return undefined;
  }
  let sourceError: unknown;
  const source = async function* () {
    try {
      yield* input;
    } catch (error) {
      sourceError = error ?? new Error('the input ended early');
      throw error;
    }
  };
  await pipeline(source, stdin).catch(() => {});
  if (sourceError) throw sourceError;
  return undefined;
}

function boundedText(maxBytes = 1_048_576) {
  const chunks: Buffer[] = [];
  let size = 0;
  let dropped = false;
  return {
    push(chunk: Buffer) {
      chunks.push(chunk);
      size += chunk.length;
      while (size > maxBytes && chunks[0]) {
        const surplus = size - maxBytes;
        const first = chunks[0];
        dropped = true;
        if (first.length <= surplus) chunks.shift();
        else chunks[0] = first.subarray(surplus);
        size -= Math.min(first.length, surplus);
      }
    },
    text: () => Buffer.concat(chunks).toString('utf8'),
    truncated: () => dropped,
  };
}
