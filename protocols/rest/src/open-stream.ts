import { once } from 'node:events';
import type { FastifyReply } from 'fastify';

/** The body of an answer that is written bit by bit. */
export interface OpenStream extends Disposable {
  /** Throws once the client is gone, the server stops, or when the client is too slow for it. */
  write(bytes: string | Buffer): Promise<void>;
  /** The answer is whole. */
  end(): void;
  /** It is not, and nothing else can be said any more. */
  breakOff(): void;
}

const heartbeatMs = 15_000;
const slowClientMs = 30_000;

/** Begins an answer past the framework. `heartbeat` makes what is written every 15 s; null: nothing, as the form has no word for it. */
export function openStream(
  reply: FastifyReply,
  { type, signal, heartbeat }: { type: string; signal: AbortSignal; heartbeat: (() => string) | null },
): OpenStream {
  const { raw } = reply;
  reply.hijack();
  raw.writeHead(200, {
    ...headersOf(reply),
    'content-type': type,
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  // Node sends the headers with the first byte: a follower of a silent log would wait for both.
  if (heartbeat) raw.write(':\n\n');
  else raw.flushHeaders();
  const timer = setInterval(() => heartbeat && raw.write(heartbeat()), heartbeatMs);
  return {
    async write(bytes) {
      signal.throwIfAborted();
      if (bytes.length === 0 || raw.write(bytes)) return;
      await once(raw, 'drain', { signal: AbortSignal.any([signal, AbortSignal.timeout(slowClientMs)]) });
    },
    end: () => void raw.end(),
    breakOff: () => void raw.destroy(),
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

/** Ends with another signal, or when the client is gone. */
export function untilGone({ raw }: FastifyReply, other: AbortSignal): ReturnType<typeof linkedTo> {
  const stop = linkedTo(other);
  raw.once('close', () => stop.abort());
  return stop;
}

/** A signal that ends with another one, or by itself. */
export function linkedTo(other: AbortSignal): { readonly signal: AbortSignal; abort(): void } & Disposable {
  // A signal of `AbortSignal.any` looks at what it was made of each time it is asked, which is for each batch of each follower.
  const controller = new AbortController();
  const abort = () => controller.abort();
  if (other.aborted) abort();
  else other.addEventListener('abort', abort, { once: true });
  return { signal: controller.signal, abort, [Symbol.dispose]: () => other.removeEventListener('abort', abort) };
}

/** Headers set so far, for the part of an answer that is written past the framework. */
function headersOf(reply: FastifyReply): Record<string, string> {
  return Object.fromEntries(
    Object.entries(reply.getHeaders()).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
}
