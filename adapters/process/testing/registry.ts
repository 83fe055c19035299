import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startProgram } from '../src/index.ts';

export interface TestRegistry extends AsyncDisposable {
  /** Host and port on the loopback interface. */
  readonly host: string;
}

export interface TestRegistryOptions {
  /** Lines of an htpasswd file (bcrypt); without them anybody may do everything. */
  readonly htpasswd?: string;
  /** Serves over TLS with this certificate. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** The address it listens on, 127.0.0.1 unless a test needs another name for this machine. */
  readonly address?: string;
  /** Where it keeps what it holds, instead of a directory of its own. */
  readonly storage?: string;
  /** Refuses every push. */
  readonly readOnly?: boolean;
  readonly program?: string;
}

/** Somebody whom a registry with `testLogin.htpasswd` knows. */
export const testLogin = {
  username: 'someone',
  password: 'letmein',
  htpasswd: 'someone:$2y$05$abcdefghijklmnopqrstuuKwWV7ESJpzKzf9FQg57dBvMuv92X9HS\n',
} as const;

/** Starts a real registry on a free loopback port; disposing ends it and removes what it holds. */
export async function testRegistry(options: TestRegistryOptions = {}): Promise<TestRegistry> {
  const directory = await mkdtemp(join(tmpdir(), 'eve-test-registry-'));
  const port = await freePort();
  const host = `${options.address ?? '127.0.0.1'}:${port}`;
  const file = join(directory, 'config.json');
  const auth = options.htpasswd && { htpasswd: { realm: 'test', path: join(directory, 'htpasswd') } };
  const tls = options.tls && { certificate: join(directory, 'tls.crt'), key: join(directory, 'tls.key') };
  if (tls && options.tls) {
    await writeFile(tls.certificate, options.tls.certificate);
    await writeFile(tls.key, options.tls.key, { mode: 0o600 });
  }
  if (options.htpasswd) await writeFile(join(directory, 'htpasswd'), options.htpasswd);
  await writeFile(
    file,
    JSON.stringify({
      version: 0.1,
      log: { level: 'error' },
      storage: {
        filesystem: { rootdirectory: options.storage ?? join(directory, 'data') },
        delete: { enabled: true },
        ...(options.readOnly && { maintenance: { readonly: { enabled: true } } }),
      },
      http: { addr: host, ...(tls && { tls }) },
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

/** A certificate that only itself vouches for, for an address of this machine. */
export async function selfSigned(address: string): Promise<{ certificate: string; key: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'eve-test-certificate-'));
  const [certificate, key] = [join(directory, 'tls.crt'), join(directory, 'tls.key')];
  try {
    await promisify(execFile)('openssl', [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=test'],
      ...['-addext', `subjectAltName=IP:${address}`, '-keyout', key, '-out', certificate],
    ]);
    return { certificate: await readFile(certificate, 'utf8'), key: await readFile(key, 'utf8') };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
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
