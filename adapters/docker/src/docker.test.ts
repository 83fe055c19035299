import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@eve/adapter-process/testing';
import { testDockerEngine } from '../testing/index.ts';
import {
  createContainer,
  demultiplex,
  dockerEngine,
  ensureImage,
  execute,
  inspectContainer,
  inspectImage,
  jsonStream,
  progress,
  pullImage,
  removeContainer,
  startContainer,
} from './index.ts';

const opened = await testDockerEngine();
const skip = 'missing' in opened ? opened.missing : false;

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const value of values) collected.push(value);
  return collected;
}

describe('a stream of the engine', () => {
  it('is taken apart wherever its chunks begin and end', async () => {
    const frame = (stream: number, text: string) => {
      const head = Buffer.alloc(8);
      head[0] = stream;
      head.writeUInt32BE(Buffer.byteLength(text), 4);
      return Buffer.concat([head, Buffer.from(text)]);
    };
    const bytes = Buffer.concat([frame(1, 'out\n'), frame(2, 'wrong\n'), frame(1, 'more\n')]);
    for (const size of [1, 3, 11, 64]) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
        bytes.subarray(index * size, (index + 1) * size),
      );

      const frames = await collect(demultiplex(Readable.from(chunks)));

      assert.deepEqual(
        frames.map(({ stream, bytes: text }) => `${stream} ${text}`),
        ['stdout out\n', 'stderr wrong\n', 'stdout more\n'],
      );
    }
  });

  it('of JSON may break within a line, also within a character', async () => {
    const bytes = Buffer.from('{"status":"größe"}\r\n{"status":"two"}');

    const values = await collect(jsonStream(Readable.from([bytes.subarray(0, 14), bytes.subarray(14)])));

    assert.deepEqual(values, [{ status: 'größe' }, { status: 'two' }]);
  });

  it('of progress throws the error that it carries', async () => {
    const lines = Readable.from([Buffer.from('{"status":"Pulling"}\n{"error":"denied"}\n')]);

    await assert.rejects(collect(progress(lines)), { name: 'DockerError', message: 'denied' });
  });
});

describe('the engine', { skip }, () => {
  if ('missing' in opened) return;
  const { engine, nodeImageId } = opened;

  it('answers null for what it does not have, and its own words for what it refuses', async () => {
    assert.equal(await inspectContainer(engine, 'no-such-container'), null);
    assert.equal(await inspectImage(engine, 'no-such-image:1'), null);
    await assert.rejects(createContainer(engine, 'evetest-none', { Image: 'no-such-image:1' }), {
      name: 'DockerError',
      status: 404,
      message: /No such image/,
    });
  });

  it('waits for a registry that is just being started again', async () => {
    const host = `127.0.0.1:${await freePort()}`;
    const asked: (string | undefined)[] = [];
    const registry = createServer((request, response) => {
      asked.push(request.url);
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"errors":[{"code":"MANIFEST_UNKNOWN"}]}');
    });

    const pulling = ensureImage(engine, `${host}/a/b:1`, null);
    pulling.catch(() => undefined);
    await sleep(700);
    registry.listen(Number(host.split(':')[1]), '127.0.0.1');

    try {
      await assert.rejects(pulling, /not found|manifest unknown/i);
      assert.ok(asked.some((url) => url?.includes('/a/b/manifests/')));
    } finally {
      registry.close();
    }
  });

  it('says why a pull failed', async () => {
    const login = { host: '127.0.0.1:9', username: 'somebody', password: 'sëcret?>' };

    await assert.rejects(collect(pullImage(engine, '127.0.0.1:9/no/such:1', login)), {
      name: 'DockerError',
      message: /127\.0\.0\.1:9/,
    });
  });

  it('logs in to the registry with exactly the name and password that it was given', async () => {
    const heard: string[] = [];
    const registry = createServer((request, answer) => {
      heard.push(Buffer.from(request.headers.authorization?.replace('Basic ', '') ?? '', 'base64').toString());
      answer.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end();
    });
    registry.listen(0, '127.0.0.1');
    await once(registry, 'listening');
    const { port } = registry.address() as AddressInfo; // It listens on TCP.
    const host = `127.0.0.1:${port}`;
    try {
      const login = { host, username: 'somebody', password: 'sëcret?>~' };

      await assert.rejects(collect(pullImage(engine, `${host}/a/b:1`, login)), { name: 'DockerError' });

      assert.ok(heard.includes('somebody:sëcret?>~'), heard.join());
    } finally {
      registry.closeAllConnections();
      registry.close();
    }
  });

  it('runs programs in containers, and removes them', async () => {
    const name = `evetest-client-${process.pid}`;
    const labels = { 'evetest.client': String(process.pid) };
    try {
      const body = { Image: nodeImageId, Cmd: ['sleep', '60'], Entrypoint: [], Labels: labels };
      const id = await createContainer(engine, name, body);
      await startContainer(engine, id);
      await startContainer(engine, id);

      const { code, output } = await execute(engine, id, ['sh', '-c', 'echo out; echo wrong >&2; exit 3']);

      assert.equal(code, 3);
      assert.deepEqual(output.trim().split('\n').toSorted(), ['out', 'wrong']);
      const late = await execute(engine, id, ['sleep', '20'], AbortSignal.timeout(200));
      assert.equal(late.code, null);
    } finally {
      await removeContainer(engine, name);
      await removeContainer(engine, name);
    }
    assert.equal(await inspectContainer(engine, name), null);
  });
});

describe('without an engine', () => {
  it('an engine that is not there is unavailable, and says which', async () => {
    const engine = dockerEngine({ socketPath: '/nonexistent/docker.sock' });

    await assert.rejects(inspectImage(engine, 'x'), {
      code: 'engine_unavailable',
      message: /\/nonexistent\/docker\.sock/,
    });
  });
});
