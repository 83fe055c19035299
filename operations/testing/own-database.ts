import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPool, type EmbeddedPostgres, migrate, startEmbeddedPostgres } from '@eve/adapter-postgres';

/** A PostgreSQL server of one test, with all migrations, for tests that stop it. */
export interface OwnDatabase extends AsyncDisposable {
  readonly url: string;
  /** Stops it as a crash of the machine would: no session is waited for, nothing is written any more. */
  crash(): Promise<void>;
  /** Starts it again at the same address. */
  start(): Promise<void>;
}

/** Makes a server in a directory of its own. */
export async function ownDatabase(): Promise<OwnDatabase> {
  const dataDir = await mkdtemp(join(tmpdir(), 'eve-own-postgres-'));
  const log = { info() {}, warn() {}, error() {} };
  const launch = () => startEmbeddedPostgres({ dataDir, port: null, log, settings: { max_connections: '100' } });
  let server: EmbeddedPostgres = await launch();
  const pool = createPool({ url: server.url, max: 1 });
  await migrate(pool);
  await pool.end();
  return {
    url: server.url,
    async crash() {
      process.kill(server.pid, 'SIGQUIT');
      await server.exited;
    },
    async start() {
      server = await launch();
    },
    async [Symbol.asyncDispose]() {
      await server.stop();
      await rm(dataDir, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

/** A way to a database that can be made to hang: nothing is refused and nothing is answered. */
export interface HangingWay extends AsyncDisposable {
  readonly url: string;
  hang(): void;
  goOn(): void;
}

/** Makes a way to the database of the URL. */
export async function hangingWay(to: string): Promise<HangingWay> {
  const target = new URL(to);
  const sockets = new Set<Socket>();
  let hangs = false;
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    if (hangs) socket.pause();
  };
  const server = createServer({ pauseOnConnect: true }, (near) => {
    const far = connect(Number(target.port), target.hostname);
    near.on('data', (piece) => far.write(piece));
    far.on('data', (piece) => near.write(piece));
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
    for (const socket of [near, far]) keep(socket);
    if (!hangs) near.resume();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The way has no port.');
  const url = new URL(to);
  url.port = String(address.port);
  return {
    url: url.href,
    hang() {
      hangs = true;
      for (const socket of sockets) socket.pause();
    },
    goOn() {
      hangs = false;
      for (const socket of sockets) socket.resume();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
