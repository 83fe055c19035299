import { randomUUID } from 'node:crypto';
import { type ErrorCode, type ErrorKind, errorKinds, PlatformError } from '@eve/domain';
import type { Log } from '@eve/operations';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Problem } from './contract/index.ts';
import { presentDetail } from './present/manifests.ts';

const statusOf: Record<ErrorKind, number> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  exhausted: 429,
  unavailable: 503,
};

const titles: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  413: 'Payload Too Large',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

const statusOfCode: Partial<Record<ErrorCode, number>> = { body_too_large: 413 };
/** Seconds; a request that is under way ends sooner than an outage. */
const retryAfterOf: Partial<Record<ErrorCode, number>> = { idempotency_in_progress: 1, rate_limited: 1 };

/** The one place where errors become answers (RFC 9457). What is no answer to a caller is logged and hidden behind an id. */
export function sendProblem(log: Log, error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const answer = asAnswer(error);
  // What fails before routing has no id yet.
  const correlationId = request.correlationId || randomUUID();
  reply.header('x-eve-correlation-id', correlationId);
  if (!answer) {
    log.error(
      { correlationId, route: request.routeOptions.url, error: describe(error) },
      'a request failed unexpectedly',
    );
  }
  const status = answer ? (statusOfCode[answer.code] ?? statusOf[errorKinds[answer.code]]) : 500;
  const message = answer?.message ?? `Something went wrong on our side. Tell the operator this id: ${correlationId}.`;
  const code = answer?.code ?? 'internal_error';
  const problem: Problem = {
    type: `urn:eve:error:${code}`,
    title: titles[status] ?? 'Error',
    status,
    detail: message,
    code,
    message,
    error: titles[status] ?? 'Error',
    statusCode: status,
    errors: (answer?.details ?? []).map(presentDetail),
    correlation_id: correlationId,
  };
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="eve"');
  const retryAfter = answer && retryAfterOf[answer.code];
  if (retryAfter !== undefined || status === 429 || status === 503) reply.header('retry-after', retryAfter ?? 5);
  return reply.code(status).type('application/problem+json').send(JSON.stringify(problem));
}

/** For `Fastify({ frameworkErrors })`: what is refused before any route, such as an address that cannot be decoded. */
export function refuseBeforeRouting(log: Log) {
  return (error: Error, request: FastifyRequest, reply: FastifyReply): void => {
    sendProblem(log, error, request, reply);
  };
}

function asAnswer(error: unknown): PlatformError | null {
  if (error instanceof PlatformError) return error;
  if (!(error instanceof Error)) return null;
  // The HTTP library's own refusals carry a code and a status below 500.
  const { code = '', statusCode = 500 } = error as { code?: string; statusCode?: number };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new PlatformError('body_too_large', 'The body is too large.');
  if (code.startsWith('FST_ERR_CTP_') || error instanceof SyntaxError) {
    return new PlatformError('body_invalid', `The body is no valid JSON: ${error.message}`);
  }
  if (code === 'ECONNRESET') return new PlatformError('body_invalid', 'The body ended before it was whole.');
  return statusCode < 500 ? new PlatformError('request_invalid', error.message) : null;
}

function describe(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) };
  return { name: error.name, message: error.message, stack: error.stack };
}
