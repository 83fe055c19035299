import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply } from 'fastify';

/** How a server ends without cutting anybody off. */
export interface Draining {
  /** Whether the end was asked for: nobody should send anything new. */
  isLeaving(): boolean;
  /** Goes on answering for `serveMs`, each answer closing its connection; then waits for what is under way, at most `endMs`. */
  drain(options: { serveMs: number; endMs: number }): Promise<void>;
}

const lookMs = 20;

/** Watches the requests of a server from now on; call it before the routes are registered. */
export function draining(app: FastifyInstance): Draining {
  const underWay = new Set<FastifyReply>();
  let leaving = false;
  app.addHook('onRequest', async (_request, reply) => {
    underWay.add(reply);
    reply.raw.once('close', () => underWay.delete(reply));
  });
  app.addHook('onSend', async (_request, reply) => {
    if (leaving) reply.header('connection', 'close');
  });
  // Answers that were taken out of the framework's hands are logs that somebody follows, for hours maybe; they are taken up again elsewhere.
  const mustEnd = () => [...underWay].some(({ sent, raw }) => !sent || raw.writableEnded);
  return {
    isLeaving: () => leaving,
    async drain({ serveMs, endMs }) {
      leaving = true;
      await sleep(serveMs);
      for (const until = performance.now() + endMs; mustEnd() && performance.now() < until; ) await sleep(lookMs);
    },
  };
}
