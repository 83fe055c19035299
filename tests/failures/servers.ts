import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Defer } from './scene.ts';

/** A server on the loopback interface that answers as it is told; the host with its port. */
export async function serving(answer: RequestListener, defer: Defer): Promise<string> {
  const server = createServer(answer);
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  defer(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** One that answers everything with a status. */
export function alwaysAnswering(status: number, headers: Record<string, string>, defer: Defer): Promise<string> {
  return serving((_, answer) => {
    answer.writeHead(status, headers);
    answer.end();
  }, defer);
}

/** A registry that takes blobs and manifests, forgets the manifests, and answers requests of one kind with a status. */
export function failingRegistry(
  refuses: (method: string, path: string) => boolean,
  [status, headers, body]: readonly [number, Record<string, string>, string],
  defer: Defer,
): Promise<string> {
  const blobs = new Map<string, number>();
  const uploads = new Map<string, number>();
  const answerTo: RequestListener = async (request, answer) => {
    const { method = 'GET', url = '/' } = request;
    const { size, digest } = await received(request);
    const { pathname, searchParams } = new URL(url, 'http://registry');
    if (refuses(method, pathname)) return answer.writeHead(status, headers).end(body);
    if (pathname === '/v2/') return answer.writeHead(200).end('{}');
    if (method === 'HEAD') {
      const length = blobs.get(pathname.split('/').at(-1) ?? '');
      return answer.writeHead(length === undefined ? 404 : 200, { 'content-length': length ?? 0 }).end();
    }
    if (method === 'POST') {
      const id = String(uploads.size + 1);
      uploads.set(`${pathname}${id}`, 0);
      return answer.writeHead(202, { location: `${pathname}${id}`, 'docker-upload-uuid': id }).end();
    }
    const taken = (uploads.get(pathname) ?? 0) + size;
    if (method === 'PATCH') {
      uploads.set(pathname, taken);
      return answer.writeHead(202, { location: pathname, range: `0-${taken - 1}`, 'docker-upload-uuid': '1' }).end();
    }
    if (method !== 'PUT') return answer.writeHead(404).end('{"errors":[{"code":"MANIFEST_UNKNOWN"}]}');
    const named = searchParams.get('digest') ?? digest;
    blobs.set(named, taken);
    return answer.writeHead(201, { location: pathname, 'docker-content-digest': named }).end();
  };
  return serving(answerTo, defer);
}

async function received(request: IncomingMessage): Promise<{ size: number; digest: string }> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of request) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { size, digest: `sha256:${hash.digest('hex')}` };
}
