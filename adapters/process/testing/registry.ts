import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startProgram } from '../src/index.ts';

export interface TestRegistry extends AsyncDisposable {
  /** Host and port on the loopback interface. */
  readonly host: string;
}

export interface TestRegistryOptions {
  /** Lines of an htpasswd file (bcrypt); without them anybody may do everything. */
  readonly htpasswd?: string;
  readonly program?: string;
}

/** Starts a real registry on a free loopback port; disposing ends it and removes what it holds. */
export async function testRegistry(options: TestRegistryOptions = {}): Promise<TestRegistry> {
  const directory = await mkdtemp(join(tmpdir(), 'eve-test-registry-'));
  const port = await freePort();
  const host = `127.0.0.1:${port}`;
  const file = join(directory, 'config.json');
  const auth = options.htpasswd && { htpasswd: { realm: 'test', path: join(directory, 'htpasswd') } };
  if (options.htpasswd) await writeFile(join(directory, 'htpasswd'), options.htpasswd);
  await writeFile(
    file,
    JSON.stringify({
      version: 0.1,
      log: { level: 'error' },
      storage: { filesystem: { rootdirectory: join(directory, 'data') }, delete: { enabled: true } },
      http: { addr: host },
      ...(auth && { auth }),
    }),
  );
  const program = await startProgram({
    file: options.program ?? 'docker-registry',
    args: ['serve', file],
    cwd: directory,
  });
  program.stdin.end();
  program.stdout.resume();
  program.stderr.resume();
  await answers(`http://${host}/v2/`);
  return {
    host,
    async [Symbol.asyncDispose]() {
      await program.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A port of the loopback interface on which nothing listens now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== 'object' || !address) throw new Error('no free port');
  return address.port;
}

async function answers(url: string): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      await fetch(url);
      return;
    } catch (error) {
      if (tries > 100) throw error;
      await sleep(50);
    }
  }
}
