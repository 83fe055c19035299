import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../src/embedded.ts';

// The process that holds the server for all test processes of this machine: it is started under a file lock,
// tells each process that connects where the server is, and ends some seconds after the last one has gone.

const [folder = ''] = process.argv.slice(2);
const idleMs = 5_000;
const holders = new Set<Socket>();
let idle: NodeJS.Timeout | undefined;
let isEnding = false;

for (const name of await readdir(folder)) {
  if (name === 'socket' || name.startsWith('run-'))
    await rm(join(folder, name), { recursive: true, force: true, maxRetries: 10 });
}
const dataDir = await mkdtemp(join(folder, 'run-'));
const quiet = { info() {}, warn() {}, error() {} };
const server = await startEmbeddedPostgres({
  dataDir,
  port: null,
  log: quiet,
  settings: {
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    max_connections: '400',
    shared_buffers: '96MB',
    max_wal_size: '1GB',
    checkpoint_timeout: '1h',
    autovacuum: 'off',
  },
});

const door = createServer((socket) => {
  if (isEnding) {
    socket.destroy();
    return;
  }
  clearTimeout(idle);
  holders.add(socket);
  socket.on('error', () => {});
  socket.on('close', () => {
    holders.delete(socket);
    if (holders.size === 0) waitForNobody();
  });
  socket.resume();
  socket.write(`${server.url}\n`);
});
door.listen(join(folder, 'socket'));
waitForNobody();
void server.exited.then(end);

function waitForNobody(): void {
  clearTimeout(idle);
  idle = setTimeout(end, idleMs);
}

function end(): void {
  if (isEnding) return;
  isEnding = true;
  void (async () => {
    await rm(join(folder, 'socket'), { force: true });
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
    process.exit(0);
  })();
}
