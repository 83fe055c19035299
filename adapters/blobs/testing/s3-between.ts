import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { all } from './blobs-contract.ts';

/** One request on its way to the server. */
export interface PassingRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Hands the request on, and its answer back; what changes bytes under way stands between. */
  pass(changing?: { up?: (body: Buffer) => Buffer; down?: (body: Buffer) => Buffer | null }): Promise<void>;
}

export interface S3Between extends AsyncDisposable {
  readonly endpoint: string;
  /** `GET /bucket/key?query` of everything that came, oldest first. */
  readonly seen: readonly string[];
}

/** Stands between a client and an S3 server, and lets a test do to each request what networks do. */
export async function s3Between(
  endpoint: string,
  act: (passing: PassingRequest, count: number) => Promise<unknown> | unknown,
): Promise<S3Between> {
  const seen: string[] = [];
  const server = createServer((incoming, response) => {
    const { method = '', url: path = '' } = incoming;
    seen.push(`${method} ${path}`);
    const passing: PassingRequest = {
      ...{ method, path, request: incoming, response },
      async pass({ up, down } = {}) {
        const sent = Buffer.concat(await all<Buffer>(incoming));
        // The client's own Host, which it signed.
        const onward = request(`${endpoint}${path}`, { method, headers: incoming.headers, setHost: false });
        onward.end(up ? up(sent) : sent);
        const [answer] = (await once(onward, 'response')) as [IncomingMessage];
        const received = Buffer.concat(await all<Buffer>(answer));
        const answered = down ? down(received) : received;
        if (answered === null) {
          response.destroy();
          return;
        }
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        const whole = Number(answer.headers['content-length'] ?? 0);
        if (method === 'HEAD' || answered.byteLength >= whole) response.end(answered);
        else response.write(answered, () => response.destroy());
      },
    };
    Promise.resolve(act(passing, seen.length)).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens on a port
  return {
    endpoint: `http://127.0.0.1:${port}`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers as S3 refuses. */
export function refuse({ response }: PassingRequest, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>said by a test</Message></Error>`);
}
