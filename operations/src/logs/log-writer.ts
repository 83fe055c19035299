import type { OrganisationId } from '@eve/domain';
import type { Logs, NewLogLine } from '../ports/logs.ts';
import type { Lease } from '../ports/work-queue.ts';
import type { Redact } from './redact.ts';

const flushMs = 25;
const batchLines = 500;
const highWater = 5_000;

/** Collects lines of one build run or deploy and appends them in batches, in order, under its lease. */
export interface LogWriter extends AsyncDisposable {
  /** Adds a line of the platform; `code` marks an error line. */
  say(text: string, about?: { service?: string | null; step?: string; code?: string }): void;
  /** Adds a line that a program printed; resolves at once unless too many lines wait. */
  print(line: {
    service: string;
    step: string | null;
    stream: 'stdout' | 'stderr';
    text: string;
    at: Date;
  }): Promise<void>;
  /** Resolves when everything said so far is stored. Throws what the store threw. */
  flush(): Promise<void>;
}

/** Opens a writer; disposing flushes. */
export function logWriter(
  { logs, now }: { logs: Logs; now: () => Date },
  subject: { tenantId: OrganisationId; id: string },
  { lease, attempt, redact }: { lease: Lease; attempt: number; redact: Redact },
): LogWriter {
  let waiting: NewLogLine[] = [];
  let writing: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | null = null;
  let broken: unknown = null;

  const writeAll = async () => {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, batchLines);
      waiting = waiting.slice(batchLines);
      await logs.append(subject, batch, lease);
    }
  };
  const flush = () => {
    if (timer) clearTimeout(timer);
    timer = null;
    writing = writing.then(writeAll).catch((error: unknown) => {
      broken ??= error;
    });
    return writing;
  };
  const add = (line: NewLogLine) => {
    waiting.push({ ...line, text: redact(line.text) });
    timer ??= setTimeout(flush, flushMs);
  };
  const flushed = async () => {
    await flush();
    if (broken) throw broken;
  };

  return {
    say(text, { service = null, step, code } = {}) {
      const shared = {
        at: now(),
        attempt,
        service,
        step: step ?? null,
        stream: 'platform',
        code: code ?? null,
      } as const;
      for (const part of text.split('\n')) add({ ...shared, level: code ? 'error' : 'info', text: part });
    },
    async print({ service, step, stream, text, at }) {
      add({ at, attempt, service, step, stream, level: 'info', code: null, text });
      if (waiting.length > highWater) await flushed();
    },
    flush: flushed,
    async [Symbol.asyncDispose]() {
      await flush();
    },
  };
}
