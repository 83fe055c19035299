import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlatformError } from '@eve/domain';
import type { Credentials } from './credentials.ts';
import { ClusterBusy, isRefused, refusalOf, unreachable } from './error.ts';
import { type ClusterCall, exchange, statusIn, textOf } from './exchange.ts';

/** Requests to one API server, with credentials that are renewed, and with what is worth trying again tried again. */
export interface Connection {
  /** Such as `https://10.0.0.1:6443`. */
  readonly server: string;
  readonly credentials: Credentials;
  call(call: ClusterCall): Promise<unknown>;
  stream(call: ClusterCall): Promise<IncomingMessage>;
}

const mostAttempts = 6;
const longestBackOffMs = 5_000;

export function clusterConnection(credentials: Credentials, usualTimeoutMs: number): Connection {
  const server = credentials.server.href.replace(/\/$/, '');

  /** `read` is part of what has to be done in time. */
  async function attempt<Answer>(
    call: ClusterCall,
    use: 'call' | 'stream',
    read: (answer: IncomingMessage) => Promise<Answer>,
  ): Promise<Answer> {
    const timeoutMs = call.timeoutMs ?? usualTimeoutMs;
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), timeoutMs);
    const signal = call.signal ? AbortSignal.any([call.signal, timeout.signal]) : timeout.signal;
    try {
      const options = await unlessAborted(credentials.options(use), signal);
      const answer = await exchange(credentials.server, call, { ...options, signal });
      const code = answer.statusCode ?? 0;
      if (code >= 300) {
        const retryAfterMs = 1_000 * (Number(answer.headers['retry-after']) || 0);
        throw refusalOf(code, { ...statusIn(await textOf(answer)), retryAfterMs }, call.act, server);
      }
      return await read(answer);
    } catch (error) {
      call.signal?.throwIfAborted();
      if (timeout.signal.aborted) throw unreachable(server, `nothing came within ${timeoutMs / 1000} s`, error);
      if (error instanceof PlatformError) throw error;
      throw unreachable(server, reason(error), error);
    } finally {
      // What is read later, of a stream, may take its time; the caller's signal still ends it.
      clearTimeout(timer);
    }
  }

  async function patiently<Answer>(call: ClusterCall, one: () => Promise<Answer>): Promise<Answer> {
    for (let attempts = 1; ; attempts++) {
      const began = performance.now();
      try {
        return await one();
      } catch (error) {
        const waitMs = attempts < mostAttempts ? waitBefore(error, attempts) : null;
        if (isRefused(error) && error.status === 401 && attempts === 1 && (await credentials.renew(began))) continue;
        if (waitMs === null) throw error;
        await sleep(waitMs, undefined, { signal: call.signal });
      }
    }
  }

  return {
    server,
    credentials,
    call: (call) =>
      patiently(call, () =>
        attempt(call, 'call', async (answer) => {
          const text = await textOf(answer);
          return text.trim() ? (JSON.parse(text) as unknown) : undefined;
        }),
      ),
    stream: (call) => patiently(call, () => attempt(call, 'stream', async (answer) => answer)),
  };
}

/** Not every failure is tried again here: who waits for something has patience of their own with a cluster that is away. */
function waitBefore(error: unknown, attempts: number): number | null {
  const backOffMs = Math.min(longestBackOffMs, 100 * 2 ** attempts) * (0.5 + Math.random());
  if (error instanceof ClusterBusy) return Math.max(backOffMs, Math.min(error.retryAfterMs, longestBackOffMs));
  // Two requests counted against one quota at the same moment.
  return isRefused(error, 'conflict') && /on resourcequotas /.test(error.message) ? backOffMs : null;
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Of several addresses that were tried, each has its own.
  const first = error instanceof AggregateError && error.errors[0] instanceof Error ? error.errors[0] : error;
  return first.message.trim().replace(/\.$/, '') || first.name;
}

function unlessAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
