import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { BuildFailed } from '@eve/domain';
import type { Repository } from '@eve/operations';
import { type SourceUnderTest, testSource } from '../../../../operations/testing/source-contract.ts';
import { testSourceHistory } from '../../../../operations/testing/source-history-contract.ts';
import { gitSource } from './source.ts';

const never = new AbortController().signal;

const onThisMachine = async (): Promise<SourceUnderTest> => {
  const workDir = await mkdtemp(join(tmpdir(), 'eve-git-'));
  return {
    source: gitSource({ workDir }),
    publish: async (url) => ({ url, credentials: null, allowLocal: true }),
    unknown: { url: '/nowhere/at/all.git', credentials: null, allowLocal: true },
    async [Symbol.asyncDispose]() {
      const left = await readdir(workDir);
      await rm(workDir, { recursive: true });
      assert.deepEqual(left, []);
    },
  };
};
testSource('git on this machine', onThisMachine);
testSourceHistory('git on this machine', onThisMachine);

const token = 'ghp_very-secret/token';

for (const age of ['new', 'old'] as const) {
  const overHttp = async (): Promise<SourceUnderTest> => {
    const workDir = await mkdtemp(join(tmpdir(), 'eve-git-'));
    const server = await gitServer(token, age);
    const repository = (path: string): Repository => ({
      url: `${server.url}/${path}`,
      credentials: { kind: 'token', value: token },
      allowLocal: true,
    });
    return {
      source: gitSource({ workDir }),
      async publish(directory) {
        server.root = dirname(directory);
        return repository(basename(directory));
      },
      unknown: repository('unknown.git'),
      async [Symbol.asyncDispose]() {
        await server[Symbol.asyncDispose]();
        await rm(workDir, { recursive: true });
      },
    };
  };
  testSource(`git over HTTP with a token and an ${age} server`, overHttp);
  testSourceHistory(`git over HTTP with a token and an ${age} server`, overHttp);
}

describe('git', () => {
  it('calls refused credentials by name and shows none of them', async () => {
    await using server = await gitServer(token);
    const workDir = await mkdtemp(join(tmpdir(), 'eve-git-'));
    const source = gitSource({ workDir });
    const url = server.url.replace('://', '://someone:wr0ng-pass@');
    const said: string[] = [];

    for (const credentials of [null, { kind: 'token', value: 'wrong-token' } as const]) {
      const checkout = {
        repository: { url: `${url}/x.git`, credentials, allowLocal: true },
        sha: 'a'.repeat(40),
        pack: null,
      };
      await assert.rejects(
        source.checkout(checkout, (_, text) => said.push(text), never),
        (error: unknown) => {
          assert(error instanceof BuildFailed);
          assert.equal(error.failure.code, 'auth_error');
          said.push(JSON.stringify(error.failure));
          return true;
        },
      );
    }

    assert.doesNotMatch(said.join('\n'), /wr0ng-pass|wrong-token/);
    assert.match(said.join('\n'), /Cloning http:\/\/\*\*\*@127/);
    assert.deepEqual(await readdir(workDir), []);
    await rm(workDir, { recursive: true });
  });

  it('does not go to addresses that are not public, whatever their name', async () => {
    const resolve = async () => ['93.184.216.34', '169.254.169.254'];
    const source = gitSource({ workDir: tmpdir(), resolve });

    for (const url of [
      'https://127.0.0.1/x.git',
      'https://[::1]/x.git',
      'https://10.1.2.3/x',
      'https://rebound.example/x.git',
      'ssh://git@169.254.169.254/x.git',
      'git@192.168.1.1:x.git',
      'http://127.0.0.1/x.git',
      'file:///etc',
      '/etc',
    ]) {
      const repository = { url, credentials: null, allowLocal: false };
      await assert.rejects(source.resolveRef(repository, 'main', never), { code: 'source_refused' }, url);
    }
  });

  it('says that a server cannot be reached', async () => {
    const workDir = await mkdtemp(join(tmpdir(), 'eve-git-'));
    const source = gitSource({ workDir });
    const credentials = { kind: 'ssh_key', value: 'no real key' } as const;
    const web = { url: 'https://127.0.0.1:9/x.git', credentials: null, allowLocal: true };
    const ssh = { url: 'ssh://git@127.0.0.1:9/x.git', credentials, allowLocal: true };

    await assert.rejects(source.resolveRef(web, 'main', never), { code: 'source_unreachable' });
    await assert.rejects(source.resolveRef(ssh, 'main', never), {
      code: 'source_unreachable',
      message: /127\.0\.0\.1 port 9: Connection refused/,
    });

    await rm(workDir, { recursive: true });
  });
});

interface GitServer extends AsyncDisposable {
  readonly url: string;
  root: string;
}

/** git's own HTTP backend behind a server that asks for a password; an old one gives only what branches and tags name. */
async function gitServer(password: string, age: 'new' | 'old' = 'new'): Promise<GitServer> {
  const state = { root: '/nowhere' };
  const server = createServer((request, response) => {
    const given = Buffer.from((request.headers.authorization ?? '').replace(/^Basic /, ''), 'base64').toString();
    if (given.split(':').slice(1).join(':') === password) return backend(state.root, age, request, response);
    response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' });
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return Object.assign(state, {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

function backend(root: string, age: 'new' | 'old', request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://host');
  const program = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: String(request.headers['content-encoding'] ?? ''),
      GIT_PROTOCOL: age === 'old' ? '' : String(request.headers['git-protocol'] ?? ''),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  request.pipe(program.stdin);
  const parts: Buffer[] = [];
  program.stdout.on('data', (chunk: Buffer) => parts.push(chunk));
  program.stdout.once('end', () => {
    const answer = Buffer.concat(parts);
    const end = answer.indexOf('\r\n\r\n');
    const headers = answer.subarray(0, end).toString().split('\r\n');
    for (const line of headers) {
      const [name = '', value = ''] = line.split(': ');
      if (name === 'Status') response.statusCode = Number(value.slice(0, 3));
      else if (name) response.setHeader(name, value);
    }
    response.end(answer.subarray(end + 4));
  });
}
