import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify';

/** What the scripted server was asked. */
export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly body: unknown;
  readonly token: string | undefined;
}

type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown;

/** A server that answers as a test says: `{ 'GET /builds/:id': spec }`; a function is called each time. Everything else is 404. */
export async function scriptedServer(routes: Readonly<Record<string, object | Handler | null>>) {
  const asked: Asked[] = [];
  const app = Fastify({ forceCloseConnections: true });
  app.addContentTypeParser('application/x-git-pack', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.addHook('preHandler', async ({ method, url, body, headers }) => {
    asked.push({ method, url, body, token: headers.authorization?.replace('Bearer ', '') });
  });
  for (const [route, answer] of Object.entries(routes)) {
    const [method = 'GET', url = '/'] = route.split(' ');
    app.route({
      method: method as 'GET',
      url,
      handler: async (request, reply) => {
        if (typeof answer === 'function') return answer(request, reply);
        return reply.type('application/json').send(JSON.stringify(answer));
      },
    });
  }
  app.setNotFoundHandler((request, reply) => problem(reply, 404, 'route_not_found', `There is no ${request.url}.`));
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  return { url, asked, [Symbol.asyncDispose]: () => app.close() };
}

export function problem(reply: FastifyReply, status: number, code: string, message: string, errors: object[] = []) {
  const body = {
    type: `urn:eve:error:${code}`,
    title: 'Error',
    status,
    detail: message,
    code,
    message,
    error: 'Error',
  };
  if (status === 503) reply.header('retry-after', 5);
  return reply
    .code(status)
    .type('application/problem+json')
    .send(JSON.stringify({ ...body, statusCode: status, errors, correlation_id: 'c-1' }));
}

/** The events of a followed log, all at once. */
export function eventStream(reply: FastifyReply, ...events: readonly [name: string, data: object][]) {
  const text = events.map(([name, data]) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`).join('');
  return reply.type('text/event-stream').send(text);
}
