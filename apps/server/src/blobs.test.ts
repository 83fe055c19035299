import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { openBlobs } from './blobs.ts';
import { readConfig, takeConfig } from './config.ts';

const credentials = { EVE_BLOBS_S3_ACCESS_KEY_ID: 'EVEKEY', EVE_BLOBS_S3_SECRET_ACCESS_KEY: 'hunter2' };

it('keeps blobs in the data directory where no bucket is named', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'eve-blobs-'));
  try {
    const blobs = await openBlobs(readConfig({ EVE_DATA_DIR: dataDir }));
    await blobs.put('sources/a', nothing(), { maxBytes: 1 });

    assert.ok((await stat(join(dataDir, 'blobs/sources/a'))).isFile());
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
});

it('says what a bucket lacks, or what lacks a bucket', async () => {
  const open = (variables: NodeJS.ProcessEnv) => openBlobs(readConfig(variables));

  await assert.rejects(open({ EVE_BLOBS_S3: 's3://eve', EVE_BLOBS_S3_ACCESS_KEY_ID: 'x' }), {
    code: 'request_invalid',
    message: /EVE_BLOBS_S3_SECRET_ACCESS_KEY/,
  });
  await assert.rejects(open({ EVE_BLOBS_S3_ENDPOINT: 'https://s3.example.com', ...credentials }), {
    code: 'request_invalid',
    message: /EVE_BLOBS_S3_ENDPOINT, .*EVE_BLOBS_S3=s3:/,
  });
});

it('does not start with a bucket that refuses it, and shows no credential', async () => {
  const server = createServer((_, response) => response.writeHead(403).end('<Error><Code>AccessDenied</Code></Error>'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo; // it listens on a port
  const EVE_BLOBS_S3_ENDPOINT = `http://127.0.0.1:${port}`;
  try {
    const opening = openBlobs(readConfig({ EVE_BLOBS_S3: 's3://eve/a', EVE_BLOBS_S3_ENDPOINT, ...credentials }));

    await assert.rejects(opening, (error: Error) => {
      assert.match(error.message, /The bucket eve at http:\/\/127\.0\.0\.1:\d+ refuses Eve.*AccessDenied/);
      assert.doesNotMatch(error.message, /EVEKEY|hunter2/);
      return true;
    });
  } finally {
    server.close();
    server.closeAllConnections();
  }
});

for (const [name, value] of [
  ['EVE_BLOBS_S3', 'eve/prefix'],
  ['EVE_BLOBS_S3', 's3://Eve'],
  ['EVE_BLOBS_S3', 's3://eve/../other'],
  ['EVE_BLOBS_S3', 's3://eve/'],
  ['EVE_BLOBS_S3_ENDPOINT', 'https://user:secret@s3.example.com'],
  ['EVE_BLOBS_S3_ENDPOINT', 'file:///etc/passwd'],
  ['EVE_BLOBS_S3_REGION', 'eu west'],
  ['EVE_BLOBS_S3_ACCESS_KEY_ID', 'a\nb'],
] as const) {
  it(`refuses ${name}=${JSON.stringify(value)}`, () => {
    assert.throws(() => readConfig({ [name]: value }), { code: 'request_invalid', message: new RegExp(name) });
  });
}

it('leaves no credential where other programs would be handed it', () => {
  const variables = { EVE_BLOBS_S3: 's3://eve/blobs', ...credentials };

  assert.equal(takeConfig(variables).EVE_BLOBS_S3_SECRET_ACCESS_KEY, 'hunter2');
  assert.deepEqual(variables, { EVE_BLOBS_S3: 's3://eve/blobs' });
});

async function* nothing(): AsyncGenerator<Uint8Array> {}
