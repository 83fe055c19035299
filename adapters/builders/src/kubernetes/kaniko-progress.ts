import { lineCutter } from '@eve/adapter-process';
import { z } from 'zod';
import { classifyFailure, type FailedStep } from '../client/failure.ts';
import type { EngineProgress, ProgressEvent } from './engine.ts';

const Line = z.object({ level: z.string(), msg: z.string(), time: z.iso.datetime({ offset: true }).optional() });

const keptLines = 30;

/** What the executor prints: lines of its own as JSON, and between them what steps print. */
export function kanikoProgress(): EngineProgress {
  const cutter = lineCutter(1_048_576);
  let step: { id: string; name: string } | null = null;
  let steps = 0;
  let tail: string[] = [];
  const said: string[] = [];

  const read = (text: string): ProgressEvent[] => {
    const own = ownLine(text);
    const at = own?.time === undefined ? new Date() : new Date(own.time);
    const events: ProgressEvent[] = [];
    if (own && isInstruction(own.msg)) {
      if (step) events.push({ type: 'step', ...step, state: 'done', at });
      steps += 1;
      step = { id: String(steps), name: own.msg };
      tail = [];
      events.push({ type: 'step', ...step, state: 'started', at });
      return events;
    }
    const line = own?.msg ?? text;
    keep(own ? said : tail, line);
    events.push({ type: 'log', step: step?.name ?? null, stream: own ? 'stderr' : 'stdout', text: line, at });
    return events;
  };
  return {
    push: async (chunk) => cutter.push(chunk).flatMap(read),
    end: async () => cutter.end().flatMap(read),
    failureOf: (ended) =>
      classifyFailure({ ...ended, program: 'kaniko', failedStep: failedStep(said, step?.name ?? null, tail), said }),
  };
}

function ownLine(text: string): z.infer<typeof Line> | null {
  if (!text.startsWith('{')) return null;
  try {
    return Line.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

function isInstruction(message: string): boolean {
  return /^(?:FROM|RUN|COPY|ADD|WORKDIR|ENV|ARG|USER|LABEL|EXPOSE|VOLUME|ENTRYPOINT|CMD|SHELL|ONBUILD|STOPSIGNAL|HEALTHCHECK) /.test(
    message,
  );
}

/** The executor names no step when it fails: it is the one it was in, or the push. */
function failedStep(said: readonly string[], step: string | null, tail: readonly string[]): FailedStep | null {
  const error = said.findLast((line) => /^error /i.test(line));
  if (error === undefined) return null;
  if (/^error (?:checking push permissions|pushing image)/i.test(error))
    return { name: 'pushing the image', error, tail };
  const code = /exit status (\d+)/.exec(error)?.[1];
  if (step === null) return null;
  return {
    name: step,
    error: code === undefined ? error : `the step did not complete successfully: exit code: ${code}`,
    tail,
  };
}

function keep(lines: string[], line: string): void {
  lines.push(line);
  if (lines.length > keptLines) lines.shift();
}
