import type { LogLine, NewLogLine } from '@eve/operations';

/** A line as it is kept: its sequence follows from its place in the chunk. */
export type StoredLine = readonly [
  atMs: number,
  attempt: number,
  service: string | null,
  step: string | null,
  stream: LogLine['stream'],
  level: LogLine['level'],
  code: string | null,
  text: string,
];

/** Lines that are kept in one row. */
export interface LogChunk {
  readonly count: number;
  readonly steps: readonly string[];
  readonly attempts: readonly number[];
  readonly json: string;
  readonly bytes: number;
}

/** How many lines one row holds at most. */
export const linesPerChunk = 500;
const charactersPerChunk = 256 * 1024;

/** Which lines are asked for; what is left out does not matter. */
export interface LineFilter {
  readonly step: string | undefined;
  readonly attempt: number | undefined;
}

/** Whether any line may be left out. */
export function isFiltering({ step, attempt }: LineFilter): boolean {
  return step !== undefined || attempt !== undefined;
}

/** Whether a line is asked for. */
export function isWanted(line: LogLine, { step, attempt }: LineFilter): boolean {
  return (step === undefined || line.step === step) && (attempt === undefined || line.attempt === attempt);
}

/** Lays lines out in chunks, small enough that any page of a log is a cheap read. */
export function chunkLines(lines: readonly NewLogLine[]): LogChunk[] {
  const chunks: LogChunk[] = [];
  let group: StoredLine[] = [];
  let characters = 0;
  for (const line of lines) {
    const stored = storedLine(line);
    if (group.length === linesPerChunk || (group.length > 0 && characters + line.text.length > charactersPerChunk)) {
      chunks.push(chunkOf(group));
      group = [];
      characters = 0;
    }
    group.push(stored);
    characters += line.text.length;
  }
  if (group.length > 0) chunks.push(chunkOf(group));
  return chunks;
}

/** The lines of a kept row. */
export function linesOf(firstSequence: number, lines: readonly StoredLine[]): LogLine[] {
  return lines.map(([atMs, attempt, service, step, stream, level, code, text], index) => ({
    sequence: firstSequence + index,
    at: new Date(atMs),
    attempt,
    service,
    step,
    stream,
    level,
    code,
    text,
  }));
}

function chunkOf(group: readonly StoredLine[]): LogChunk {
  const json = JSON.stringify(group);
  const steps = new Set(group.flatMap(([, , , step]) => step ?? []));
  const attempts = new Set(group.map(([, attempt]) => attempt));
  return { count: group.length, steps: [...steps], attempts: [...attempts], json, bytes: Buffer.byteLength(json) };
}

function storedLine(line: NewLogLine): StoredLine {
  return [
    line.at.getTime(),
    line.attempt,
    line.service === null ? null : storable(line.service),
    line.step === null ? null : storable(line.step),
    line.stream,
    line.level,
    line.code === null ? null : storable(line.code),
    storable(line.text),
  ];
}

// PostgreSQL keeps neither the NUL character nor half a surrogate pair; both become U+FFFD.
function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\ufffd');
}
