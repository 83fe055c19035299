import { createHash, scryptSync } from 'node:crypto';
import { PlatformError } from '@eve/domain';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Context } from './operations.ts';

interface Reservation {
  readonly route: string;
  readonly key: string;
  readonly requestHash: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    reservation: Reservation | null;
  }
  interface FastifyContextConfig {
    /** The body holds a secret: what is kept of it must not be guessable. */
    secretBody?: boolean;
    /** What is kept of an answer for repetitions, where the answer itself must not be kept. */
    keptAnswer?: (body: string) => string;
  }
}

const mutating = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/** Makes a mutating call with an Idempotency-Key happen once: a repetition gets the first answer, another body a conflict. */
export function addIdempotency(app: FastifyInstance, { platform }: Pick<Context, 'platform'>): void {
  app.decorateRequest('reservation', null);

  app.addHook('preHandler', async (request, reply) => {
    const key = request.headers['idempotency-key'];
    if (key === undefined || !mutating.has(request.method) || isStream(request.body)) return;
    if (typeof key !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(key)) {
      throw new PlatformError(
        'request_invalid',
        'Idempotency-Key must be 1 to 255 printable characters without spaces.',
      );
    }
    const reservation = {
      route: `${request.method} ${request.routeOptions.url}`,
      key,
      requestHash: hashOf(request, key),
    };
    const { tenantId } = request.caller;
    const found = await platform.store.idempotency.begin(
      tenantId,
      reservation.route,
      key,
      reservation.requestHash,
      platform.now(),
    );
    if (found === 'new') {
      request.reservation = reservation;
      return;
    }
    if (found === 'running') {
      throw new PlatformError(
        'idempotency_in_progress',
        'The first request with this Idempotency-Key is still under way.',
      );
    }
    if (found === 'other_body') {
      throw new PlatformError('idempotency_key_reused', 'This Idempotency-Key was used for another request.');
    }
    reply.header('idempotency-replayed', 'true').code(found.status);
    if (found.body !== '') reply.type('application/json; charset=utf-8');
    return reply.send(found.body === '' ? undefined : found.body);
  });

  app.addHook('onSend', async (request, reply, payload) => {
    const { reservation } = request;
    if (!reservation) return payload;
    request.reservation = null;
    const { route, key, requestHash } = reservation;
    const { keptAnswer = (body: string) => body } = request.routeOptions.config;
    const body = typeof payload === 'string' ? payload : '';
    // A refused request changed nothing: only what succeeded is kept, so that a refusal can be tried again.
    const done = reply.statusCode < 300;
    try {
      await platform.store.idempotency.finish(
        request.caller.tenantId,
        route,
        key,
        done ? { requestHash, status: reply.statusCode, body: body === '' ? '' : keptAnswer(body) } : null,
      );
    } catch (error) {
      platform.log.warn({ route, error: String(error) }, 'an answer could not be kept for repetitions');
    }
    return payload;
  });
}

function hashOf(request: FastifyRequest, key: string): string {
  const text = JSON.stringify([request.method, request.url, request.body ?? null]);
  // A plain hash of a short secret could be guessed by whoever reads the database.
  if (request.routeOptions.config.secretBody) return scryptSync(text, key, 32).toString('hex');
  return createHash('sha256').update(text).digest('hex');
}

function isStream(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'pipe' in body;
}
