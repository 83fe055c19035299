import { type ErrorKind, PlatformError } from '@eve/domain';
import {
  issueInternalRegistryToken,
  issueRegistryToken,
  type Platform,
  type RegistryTokenAnswer,
  type RegistryTokenRequest,
} from '@eve/operations';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { basicCredentials } from './basic-credentials.ts';

/** What the token routes use of the platform. */
export type RegistryTokenPlatform = Pick<Platform, 'store' | 'now' | 'registryTokens' | 'registryLogins' | 'settings'>;

const TokenForm = z.object({
  grant_type: z.string().max(100).default('password'),
  username: z.string().max(500).optional(),
  password: z.string().max(10_000).optional(),
  refresh_token: z.string().max(10_000).optional(),
  service: z.string().max(500).default(''),
});

const InternalBody = z.object({
  scope: z.union([z.string().max(20_000), z.array(z.string().max(2_000)).max(100)]).default([]),
  service: z.string().max(500).default(''),
  project: z.string().max(200).optional(),
});

/** The Docker token protocol for clients of the registry, and its short form for Eve's workers. */
export const registryTokenRoutes: FastifyPluginAsync<{ platform: RegistryTokenPlatform }> = async (
  app,
  { platform },
) => {
  app.removeContentTypeParser('application/x-www-form-urlencoded');
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: 64 * 1024 },
    (_request, body, done) => done(null, new URLSearchParams(String(body))),
  );
  app.setErrorHandler((error, _request, reply) => {
    if (error instanceof PlatformError) return answerError(reply, error);
    throw error;
  });

  app.get('/registry/token', async (request, reply) => {
    const asked = queryOf(request);
    const answer = await issueRegistryToken(platform, {
      ...basicCredentials(request.headers.authorization),
      service: asked.get('service') ?? '',
      scopes: asked.getAll('scope'),
    });
    return answerToken(reply, answer);
  });

  app.post('/registry/token', async (request, reply) => {
    return answerToken(reply, await issueRegistryToken(platform, formOf(request)));
  });

  app.get('/internal/registry/token', async (request, reply) => {
    const asked = queryOf(request);
    const answer = await issueInternalRegistryToken(platform, {
      internalKey: internalKeyOf(request),
      service: asked.get('service') ?? '',
      scopes: asked.getAll('scope'),
    });
    return answerToken(reply, answer);
  });

  app.post('/internal/registry/token', async (request, reply) => {
    if (request.body instanceof URLSearchParams) {
      const { password, ...asked } = formOf(request);
      return answerToken(reply, await issueInternalRegistryToken(platform, { ...asked, internalKey: password }));
    }
    const { scope, service, project } = parsed(InternalBody, request.body ?? {});
    const answer = await issueInternalRegistryToken(platform, {
      internalKey: internalKeyOf(request),
      service,
      scopes: typeof scope === 'string' ? [scope] : scope,
      project,
    });
    return answerToken(reply, answer);
  });
};

function queryOf(request: FastifyRequest): URLSearchParams {
  return new URL(request.url, 'http://localhost').searchParams;
}

/** The form of the token protocol's POST, as BuildKit and containerd send it. */
function formOf(request: FastifyRequest): RegistryTokenRequest {
  const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
  const { grant_type, username, password, refresh_token, service } = parsed(TokenForm, Object.fromEntries(form));
  if (grant_type !== 'password' && grant_type !== 'refresh_token') {
    throw new PlatformError('request_invalid', 'The grant_type is "password" or "refresh_token".');
  }
  const given = grant_type === 'password' ? { username, password } : { username, password: refresh_token };
  const credentials = given.password === undefined ? basicCredentials(request.headers.authorization) : given;
  return { ...credentials, service, scopes: form.getAll('scope') };
}

/** The internal key: in a header of its own, as a bearer, or as the password of a login. */
function internalKeyOf(request: FastifyRequest): string | undefined {
  const header = request.headers['x-eve-internal-token'];
  if (typeof header === 'string') return header;
  const { authorization } = request.headers;
  return /^bearer +(\S+)\s*$/i.exec(authorization ?? '')?.[1] ?? basicCredentials(authorization).password;
}

/** Old clients read `token`, OAuth ones `access_token`. */
function answerToken(reply: FastifyReply, { token, expires_in, issued_at }: RegistryTokenAnswer): FastifyReply {
  return reply.header('cache-control', 'no-store').send({ token, access_token: token, expires_in, issued_at });
}

const answers: Record<ErrorKind, readonly [status: number, code: string]> = {
  invalid: [400, 'UNSUPPORTED'],
  unauthenticated: [401, 'UNAUTHORIZED'],
  forbidden: [403, 'DENIED'],
  not_found: [404, 'NAME_UNKNOWN'],
  conflict: [409, 'UNSUPPORTED'],
  exhausted: [429, 'TOOMANYREQUESTS'],
  unavailable: [503, 'UNAVAILABLE'],
};

/** Registries' clients know this shape; people read `message`. */
function answerError(reply: FastifyReply, { kind, code, message }: PlatformError): FastifyReply {
  const [status, registryCode] = answers[kind];
  if (status === 401) reply.header('www-authenticate', 'Basic realm="Eve registry", charset="UTF-8"');
  if (status === 503) reply.header('retry-after', '5');
  return reply.code(status).send({ errors: [{ code: registryCode, message }], code, message });
}

function parsed<Shape extends z.ZodType>(shape: Shape, input: unknown): z.output<Shape> {
  const result = shape.safeParse(input);
  if (result.success) return result.data;
  const details = result.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
  throw new PlatformError(
    'body_invalid',
    `This request for a token is wrong: ${details.map(({ path, message }) => `${path} ${message}`).join('; ')}`,
    { details },
  );
}
