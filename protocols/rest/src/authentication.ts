import { randomUUID } from 'node:crypto';
import { PlatformError } from '@eve/domain';
import type { Caller } from '@eve/operations';
import type { FastifyInstance } from 'fastify';
import type { Context } from './operations.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set on every route that is not public. */
    caller: Caller;
    correlationId: string;
  }
  interface FastifyContextConfig {
    /** Answers without a token. */
    isPublic?: boolean;
  }
}

/** Gives every request its correlation id, and every request to a route that is not public its caller. */
export function addAuthentication(app: FastifyInstance, { platform, operations }: Context): void {
  app.decorateRequest('correlationId', '');
  // Set by the hook before any handler of a route that is not public runs.
  app.decorateRequest('caller', null as unknown as Caller);

  app.addHook('onRequest', async (request, reply) => {
    const given = request.headers['x-eve-correlation-id'];
    request.correlationId = typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID();
    reply.header('x-eve-correlation-id', request.correlationId);
    reply.header('x-content-type-options', 'nosniff');
    if (request.url.includes('%00')) throw new PlatformError('request_invalid', 'The address holds a NUL character.');
    if (request.is404 || request.routeOptions.config.isPublic) return;

    reply.header('cache-control', 'no-store');
    const { authorization } = request.headers;
    if (authorization === undefined) {
      throw new PlatformError('unauthenticated', 'Send a token: `Authorization: Bearer eve_…`.');
    }
    const [, token] = /^Bearer +([\x21-\x7e]+) *$/i.exec(authorization) ?? [];
    if (token === undefined) {
      throw new PlatformError('unauthenticated', 'The Authorization header must be `Bearer` and a token.');
    }
    request.caller = await operations.authenticate(platform, token);
  });
}
