import { StringDecoder } from 'node:string_decoder';
import type { BuildEvent } from '@eve/operations';
import type { FailedStep } from './failure.ts';
import { type RawLog, type RawVertex, type RawWarning, rawJsonReader } from './raw-json.ts';

export type ProgressEvent = Extract<BuildEvent, { type: 'step' | 'log' }>;

/** What the whole stream says about a failure. */
export interface ProgressEnd {
  readonly failedStep: FailedStep | null;
  /** The client's own last lines. */
  readonly said: readonly string[];
}

interface Step {
  readonly id: string;
  name: string;
  state: 'started' | 'cached' | 'done' | 'failed' | null;
  readonly outputs: Map<number, Output>;
  readonly tail: string[];
}

interface Output {
  readonly decoder: StringDecoder;
  rest: string;
}

// More than a log keeps of a line: it is cut there, where a secret at the cut can still be told whole.
const maxLineLength = 1024 * 1024 + 65_536;

/** Turns buildx's raw progress into events: steps as they change, logs as whole lines of one step and stream. */
export function progressReader(): {
  push(chunk: Uint8Array): ProgressEvent[];
  end(): { events: ProgressEvent[] } & ProgressEnd;
} {
  const steps = new Map<string, Step>();
  const said: string[] = [];
  let events: ProgressEvent[] = [];
  let failed: { step: Step; error: string } | null = null;

  const reader = rawJsonReader({
    status({ vertexes, logs, warnings }) {
      // Its first lines may come together with a step's beginning, its last ones with its end.
      for (const vertex of vertexes ?? []) name(vertex);
      for (const vertex of vertexes ?? []) if (stateOf(vertex) === 'started') advance(vertex);
      for (const log of logs ?? []) print(log);
      for (const vertex of vertexes ?? []) advance(vertex);
      for (const warning of warnings ?? []) warn(warning);
    },
    text(line) {
      said.push(line);
      if (said.length > 30) said.shift();
    },
  });

  const stepOf = (id: string): Step => {
    const step = steps.get(id) ?? { id, name: '', state: null, outputs: new Map(), tail: [] };
    steps.set(id, step);
    return step;
  };
  const name = (vertex: RawVertex) => {
    const step = stepOf(vertex.digest);
    if (vertex.name) step.name = oneLine(vertex.name);
  };
  const advance = (vertex: RawVertex) => {
    const step = stepOf(vertex.digest);
    const state = stateOf(vertex);
    if (!state || state === step.state || (state === 'started' && step.state)) return;
    // Its layer has come from where it was kept.
    if (step.state === 'cached' && state === 'done') return;
    const at = new Date(vertex.completed ?? vertex.started ?? 0);
    if (state !== 'started') flush(step, at);
    step.state = state;
    events.push({
      type: 'step',
      id: step.id,
      name: step.name,
      state,
      at,
      ...(vertex.error && { error: vertex.error }),
    });
    // Steps that were given up because another failed are not the reason, nor is a cache that was not there.
    if (vertex.error && !/context canceled|code = Canceled/.test(vertex.error) && !isOfCache(step.name))
      failed ??= { step, error: vertex.error };
  };
  const print = (log: RawLog) => {
    const step = stepOf(log.vertex ?? '');
    const stream = log.stream === 2 ? 2 : 1;
    const output = step.outputs.get(stream) ?? { decoder: new StringDecoder('utf8'), rest: '' };
    step.outputs.set(stream, output);
    const lines = (output.rest + output.decoder.write(Buffer.from(log.data ?? '', 'base64'))).split('\n');
    output.rest = lines.pop() ?? '';
    if (output.rest.length > maxLineLength) output.rest = output.rest.slice(0, maxLineLength);
    for (const line of lines) say(step, stream, line, new Date(log.timestamp ?? 0));
    output.rest = overwritten(output.rest, false);
  };
  const say = (step: Step, stream: number, line: string, at: Date) => {
    const text = overwritten(line, true);
    step.tail.push(text);
    if (step.tail.length > 30) step.tail.shift();
    events.push({ type: 'log', step: step.name || null, stream: stream === 2 ? 'stderr' : 'stdout', text, at });
  };
  const warn = (warning: RawWarning) => {
    const text = Buffer.from(warning.short ?? '', 'base64').toString('utf8');
    const step = warning.vertex ? stepOf(warning.vertex).name || null : null;
    if (text) events.push({ type: 'log', step, stream: 'stderr', text: `warning: ${oneLine(text)}`, at: new Date() });
  };
  const flush = (step: Step, at: Date) => {
    for (const [stream, output] of step.outputs) {
      const rest = output.rest + output.decoder.end();
      output.rest = '';
      if (rest) say(step, stream, rest, at);
    }
  };
  const taken = () => {
    const all = events;
    events = [];
    return all;
  };
  return {
    push(chunk) {
      reader.push(chunk);
      return taken();
    },
    end() {
      reader.end();
      for (const step of steps.values()) flush(step, new Date());
      const failedStep = failed && { name: failed.step.name, error: failed.error, tail: [...failed.step.tail] };
      return { events: taken(), failedStep, said: [...said] };
    },
  };
}

/** A build goes on without a cache that cannot be read or written. */
function isOfCache(step: string): boolean {
  return /^(?:importing cache manifest from|exporting cache to) /.test(step);
}

function stateOf({ error, cached, completed, started }: RawVertex): Step['state'] {
  if (error) return 'failed';
  if (cached) return 'cached';
  return completed ? 'done' : started ? 'started' : null;
}

/** A line as a terminal shows it after its carriage returns; of an unfinished one the last return may still be CRLF. */
function overwritten(line: string, whole: boolean): string {
  const end = line.endsWith('\r') ? line.length - 1 : line.length;
  const at = line.lastIndexOf('\r', end - 1);
  return line.slice(at < 0 || end === 0 ? 0 : at + 1, whole ? end : undefined);
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').trim();
}
