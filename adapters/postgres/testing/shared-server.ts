import { spawn } from 'node:child_process';
import { chmod, mkdir } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

let shared: Promise<string> | undefined;

/** The address of a PostgreSQL server for tests, shared by all test processes of this machine. It lives while one of them does. */
export function sharedServer(): Promise<string> {
  shared ??= process.env.EVE_TEST_DATABASE_URL ? Promise.resolve(process.env.EVE_TEST_DATABASE_URL) : findOrStart();
  return shared;
}

async function findOrStart(): Promise<string> {
  const folder = join(tmpdir(), `eve-test-postgres-${process.getuid?.() ?? 0}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const deadline = performance.now() + 60_000;
  for (let attempt = 0; performance.now() < deadline; attempt++) {
    const url = await ask(join(folder, 'socket'));
    if (url) return url;
    if (attempt % 10 === 0) startHolder(folder);
    await delay(100);
  }
  throw new Error('The PostgreSQL server for tests did not start.');
}

/** Only the first of many gets the lock; the others end at once. */
function startHolder(folder: string): void {
  const program = [process.execPath, join(import.meta.dirname, 'server.ts'), folder];
  const child = spawn('flock', ['--nonblock', '--no-fork', join(folder, 'lock'), ...program], {
    detached: true,
    stdio: 'ignore',
    // Not a part of the test run that it was started by.
    env: { PATH: process.env.PATH },
  });
  child.on('error', () => {});
  child.unref();
}

/** The connection is kept for as long as this process lives: it is what holds the server. */
function ask(path: string): Promise<string | null> {
  return new Promise((done) => {
    const socket: Socket = connect(path);
    let text = '';
    socket.setEncoding('utf8');
    socket.on('error', () => done(null));
    socket.on('close', () => done(null));
    socket.on('data', (piece) => {
      text += piece;
      if (!text.endsWith('\n')) return;
      socket.unref();
      done(text.trim());
    });
  });
}
