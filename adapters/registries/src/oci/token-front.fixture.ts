import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A registry that wants tokens: its realm gives one to who knows the password, and behind it is the real registry. */
export async function tokenFront(behind: string): Promise<AsyncDisposable & { host: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', `http://${request.headers.host}`);
    if (url.pathname === '/token') {
      const given = Buffer.from((request.headers.authorization ?? '').slice(6), 'base64').toString();
      response.statusCode = given === 'run:secret' ? 200 : 401;
      if (response.statusCode === 200) asked.push(url.searchParams.get('scope') ?? '');
      return response.end(JSON.stringify({ token: `for ${url.searchParams.get('service')}` }));
    }
    if (request.headers.authorization !== 'Bearer for test') {
      const challenge = `Bearer realm="http://${request.headers.host}/token",service="test"`;
      return response.writeHead(401, { 'www-authenticate': challenge }).end();
    }
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const { accept, 'content-type': type } = request.headers;
    const answer = await fetch(`http://${behind}${request.url}`, {
      method: request.method ?? 'GET',
      headers: { ...(accept && { accept }), ...(type && { 'content-type': type }) },
      ...(parts.length > 0 && { body: new Uint8Array(Buffer.concat(parts)) }),
    });
    for (const name of ['content-type', 'docker-content-digest'])
      if (answer.headers.has(name)) response.setHeader(name, answer.headers.get(name) ?? '');
    response.statusCode = answer.status;
    return response.end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    host: `127.0.0.1:${port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
