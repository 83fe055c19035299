import assert from 'node:assert/strict';
import { Agent, get, type IncomingMessage } from 'node:http';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import Fastify from 'fastify';
import { draining } from './draining.ts';
import { healthRoutes } from './health.ts';

async function server() {
  const app = Fastify({ forceCloseConnections: true });
  const ending = draining(app);
  const platform = { store: { ping: async () => {} } };
  // Of a store only this is asked here.
  await app.register(healthRoutes, { platform: platform as never, isLeaving: ending.isLeaving });
  app.get('/slow', async () => {
    await sleep(300);
    return 'whole';
  });
  app.get('/endless', (_request, reply) => {
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream' });
    reply.raw.write(':\n\n');
  });
  return { app, ending, url: await app.listen({ host: '127.0.0.1', port: 0 }) };
}

function ask(url: string, agent?: Agent): Promise<{ status: number; connection: string | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent }, async (answer: IncomingMessage) => {
      const text = (await answer.setEncoding('utf8').toArray()).join('');
      resolve({ status: answer.statusCode ?? 0, connection: answer.headers.connection, text });
    });
    request.once('error', reject);
  });
}

describe('draining', () => {
  it('goes on answering while it is taken out, is not ready, and lets go of each connection', async () => {
    const { app, ending, url } = await server();
    const agent = new Agent({ keepAlive: true });
    const before = [await ask(`${url}/health/ready`, agent), await ask(`${url}/health/live`, agent)];

    const drained = ending.drain({ serveMs: 200, endMs: 1_000 });
    const [ready, live] = [await ask(`${url}/health/ready`, agent), await ask(`${url}/health/live`, agent)];
    await drained;
    await app.close();
    agent.destroy();

    assert.deepEqual(
      before.map(({ status, connection }) => [status, connection]),
      [
        [200, 'keep-alive'],
        [200, 'keep-alive'],
      ],
    );
    assert.deepEqual([ready.status, ready.connection, ready.text], [503, 'close', '{"status":"leaving"}']);
    assert.deepEqual([live.status, live.connection], [200, 'close']);
  });

  it('waits for what is under way, and not for those who follow without an end', async () => {
    const { app, ending, url } = await server();
    const followed = await new Promise<IncomingMessage>((resolve) => get(`${url}/endless`, resolve));
    followed.on('error', () => {});
    const slow = ask(`${url}/slow`);
    await sleep(50);
    const began = performance.now();

    await ending.drain({ serveMs: 1, endMs: 5_000 });
    const tookMs = performance.now() - began;
    await app.close();

    assert.equal((await slow).text, 'whole');
    assert.ok(tookMs > 150 && tookMs < 2_000, `${tookMs} ms`);
  });
});
