import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clusterCredentials } from '../src/credentials.ts';

/** Stands between a client and the API server, and can be away, or break what is under way. Web sockets do not pass it. */
export interface ApiBetween extends AsyncDisposable {
  /** Leads a client here. */
  readonly kubeconfig: string;
  /** How many requests came. */
  readonly requests: () => number;
  /** Breaks every connection. */
  cut(): void;
  /** Whether every new connection is broken at once. */
  setAway(isAway: boolean): void;
  /** Changes what is asked, from now on. */
  rewrite(change: ((url: URL) => void) | null): void;
}

/** Opens it for the cluster of this kubeconfig, whose rights everybody has who comes by. */
export async function apiBetween(kubeconfig: string): Promise<ApiBetween> {
  const credentials = await clusterCredentials({ kubeconfig });
  let isAway = false;
  let requests = 0;
  let change: ((url: URL) => void) | null = null;

  const hand = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    requests++;
    const url = new URL(incoming.url ?? '/', credentials.server);
    change?.(url);
    const { host: _, ...headers } = incoming.headers;
    const options = await credentials.options('stream');
    const through = request(url, { ...options, method: incoming.method, headers: { ...headers, ...options.headers } });
    const broken = () => outgoing.destroy();
    through.on('error', broken).on('response', (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      outgoing.flushHeaders();
      answer.on('error', broken).pipe(outgoing);
    });
    outgoing.on('close', () => through.destroy());
    incoming.on('error', broken).pipe(through);
  };
  const server = createServer((incoming, outgoing) => void hand(incoming, outgoing).catch(() => outgoing.destroy()));
  server.on('connection', (socket) => {
    if (isAway) socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const directory = await mkdtemp(join(tmpdir(), 'eve-api-between-'));
  const file = join(directory, 'kubeconfig');
  await writeFile(file, kubeconfigOf({ server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true }, {}));
  return {
    kubeconfig: file,
    requests: () => requests,
    cut: () => server.closeAllConnections(),
    setAway(is) {
      isAway = is;
      if (is) server.closeAllConnections();
    },
    rewrite(next) {
      change = next;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await rm(directory, { recursive: true });
    },
  };
}

/** A kubeconfig of one cluster and one user, by their fields. */
export function kubeconfigOf(cluster: object, user: object): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'only',
    contexts: [{ name: 'only', context: { cluster: 'only', user: 'only' } }],
    clusters: [{ name: 'only', cluster }],
    users: [{ name: 'only', user }],
  });
}
