import { type MessagePort, parentPort, Worker } from 'node:worker_threads';
import { type ProgressEnd, type ProgressEvent, progressReader } from './progress.ts';

type Request = { readonly call: number; readonly build: number; readonly chunk: Uint8Array | null };
type Answer = { readonly call: number; readonly events: ProgressEvent[]; readonly end?: ProgressEnd };

/** One build's progress, parsed elsewhere. A caller waits for each answer, which is the back-pressure. */
export interface ThreadedProgress {
  push(chunk: Uint8Array): Promise<ProgressEvent[]>;
  end(): Promise<ProgressEnd & { readonly events: ProgressEvent[] }>;
}

/** Parses the progress of all builds in one thread, started when first needed, so that floods of output leave this one free. */
export function parseThread(): { open(): ThreadedProgress } {
  let worker: Worker | null = null;
  let calls = 0;
  let builds = 0;
  const waiting = new Map<number, { resolve(answer: Answer): void; reject(error: unknown): void }>();

  const start = (): Worker => {
    const started = new Worker(new URL(import.meta.url), { execArgv: [] }); // ours may not suit a file
    const lost = (error: unknown) => {
      if (worker === started) worker = null;
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
    };
    started.on('message', (answer: Answer) => {
      waiting.get(answer.call)?.resolve(answer);
      waiting.delete(answer.call);
      if (waiting.size === 0) started.unref();
    });
    started.on('error', lost);
    started.on('exit', (code) => lost(new Error(`the progress thread ended with code ${code}`)));
    started.unref();
    return started;
  };
  const ask = (build: number, chunk: Uint8Array | null) =>
    new Promise<Answer>((resolve, reject) => {
      worker ??= start();
      const call = ++calls;
      waiting.set(call, { resolve, reject });
      worker.ref(); // this process must not end before the answer, but need not stay for an idle thread
      worker.postMessage({ call, build, chunk } satisfies Request);
    });
  return {
    open() {
      const build = ++builds;
      worker ??= start(); // it takes as long to be there as the client's first word
      return {
        push: async (chunk) => (await ask(build, chunk)).events,
        async end() {
          const { events, end } = await ask(build, null);
          return { events, failedStep: end?.failedStep ?? null, said: end?.said ?? [] };
        },
      };
    },
  };
}

function serve(port: MessagePort): void {
  const readers = new Map<number, ReturnType<typeof progressReader>>();
  port.on('message', ({ call, build, chunk }: Request) => {
    const reader = readers.get(build) ?? progressReader();
    if (chunk) {
      readers.set(build, reader);
      port.postMessage({ call, events: reader.push(chunk) } satisfies Answer);
      return;
    }
    readers.delete(build);
    const { events, ...end } = reader.end();
    port.postMessage({ call, events, end } satisfies Answer);
  });
}

// This file is also what its thread runs.
if (parentPort) serve(parentPort);
