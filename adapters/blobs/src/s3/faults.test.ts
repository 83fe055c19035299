import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { inspect } from 'node:util';
import {
  all,
  collect,
  type PassingRequest,
  parts,
  random,
  refuse,
  s3Between,
  type TestS3,
  testS3,
} from '../../testing/index.ts';
import { type S3BlobsOptions, s3Blobs } from './blobs.ts';

const limits = { maxBytes: 100_000_000 };
const partBytes = 8 * 1024 * 1024;

describe('blobs in S3, when something is wrong', { timeout: 60_000 }, () => {
  let opened: TestS3 | { missing: string } = { missing: 'it was not opened' };
  before(async () => {
    opened = await testS3();
  });
  after(async () => {
    if (!('missing' in opened)) await opened[Symbol.asyncDispose]();
  });

  const withS3 = (sentence: string, act: (options: S3BlobsOptions, s3: TestS3) => Promise<void>) =>
    it(sentence, async (test) => {
      if ('missing' in opened) return test.skip(opened.missing);
      const { bucket, endpoint, region, credentials } = opened;
      const prefix = `t${randomBytes(4).toString('hex')}`;
      await act({ bucket, endpoint, region, credentials, prefix, attempts: 4, pauseMs: 5 }, opened);
    });

  withS3('makes a request again when the server is busy, or the connection breaks', async (options) => {
    const troubles = [
      (it: PassingRequest) => refuse(it, 503, 'SlowDown'),
      (it: PassingRequest) => it.response.destroy(),
      (it: PassingRequest) => refuse(it, 500, 'InternalError'),
    ];
    await using between = await s3Between(options.endpoint!, (it, count) =>
      count % 2 === 1 ? troubles[(count >> 1) % troubles.length]?.(it) : it.pass(),
    );
    const blobs = s3Blobs({ ...options, endpoint: between.endpoint });

    const { sizeBytes } = await blobs.put('a/large', random(2 * partBytes + 1), limits);
    await blobs.put('a/small', parts('small'), limits);

    assert.equal(sizeBytes, 2 * partBytes + 1);
    assert.equal((await collect((await blobs.get('a/large'))!)).byteLength, sizeBytes);
    assert.equal(await blobs.has('a/small'), true);
    await blobs.deleteBelow('a');
    assert.deepEqual(await all(blobs.list('a')), []);
  });

  withS3('sends what comes part by part, however much may come', async (options) => {
    await using between = await s3Between(options.endpoint!, (it) => it.pass());
    const uploaded = () => between.seen.filter((line) => /partNumber=/.test(line)).length;
    const sent: number[] = [];
    const watched = async function* () {
      for await (const piece of random(4 * partBytes)) {
        sent.push(uploaded());
        yield piece;
      }
    };

    await s3Blobs({ ...options, endpoint: between.endpoint }).put('x', watched(), {
      maxBytes: Number.MAX_SAFE_INTEGER,
    });

    assert.equal(uploaded(), 4);
    assert.equal(sent.at(-1), 2);
  });

  withS3('takes a lost answer to the end of an upload for what it was', async (options) => {
    let lost = 0;
    await using between = await s3Between(options.endpoint!, (it) => {
      const isEnd = it.method === 'POST' && it.path.includes('uploadId=') && lost++ === 0;
      return it.pass(isEnd ? { down: () => null } : {});
    });
    const blobs = s3Blobs({ ...options, endpoint: between.endpoint });

    await blobs.put('large', random(partBytes + 1), limits);

    assert.equal(lost, 2);
    assert.equal((await collect((await blobs.get('large'))!)).byteLength, partBytes + 1);
    assert.equal(
      between.seen.some((line) => line.startsWith('DELETE')),
      false,
    );
  });

  withS3('does not believe a success that says it is none', async (options) => {
    await using between = await s3Between(options.endpoint!, (it) =>
      it.method === 'POST' && it.path.includes('uploadId=') ? refuse(it, 200, 'InternalError') : it.pass(),
    );
    const blobs = s3Blobs({ ...options, endpoint: between.endpoint });

    const said = blobs.put('large', random(partBytes + 1), limits);

    await assert.rejects(said, { code: 'storage_unavailable', message: /eve-test.*InternalError/ });
    assert.equal(between.seen.filter((line) => line.startsWith('DELETE')).length, 1);
    assert.equal(await blobs.has('large'), false);
  });

  withS3('reads on where the connection broke, and only what it began to read', async (options) => {
    const blobs = s3Blobs(options);
    const written = await collect(random(3_000_000));
    await blobs.put('read', parts(written.toString('latin1')), limits);
    const expected = await collect((await blobs.get('read'))!);
    await using between = await s3Between(options.endpoint!, (it) =>
      it.pass({ down: (body) => body.subarray(0, Math.max(1, Math.ceil(body.length / 2))) }),
    );
    const broken = s3Blobs({ ...options, endpoint: between.endpoint });

    const half = expected.length - 40;
    const found = await collect((await broken.get('read', { start: half, end: expected.length }))!);
    assert.ok(found.equals(expected.subarray(half)));

    const reading = await broken.get('read');
    await blobs.put('read', parts('another'), limits);
    await assert.rejects(collect(reading!), { code: 'storage_unavailable', message: /broke off/ });
  });

  withS3('stores nothing that was changed under way, and gives nothing that was', async (options) => {
    const flipped = (body: Buffer) => {
      if (body.length > 0) body[0] = (body[0] ?? 0) ^ 1;
      return body;
    };
    await using between = await s3Between(options.endpoint!, (it) =>
      it.pass(it.method === 'PUT' ? { up: flipped } : it.method === 'GET' ? { down: flipped } : {}),
    );
    const [blobs, changed] = [s3Blobs(options), s3Blobs({ ...options, endpoint: between.endpoint })];

    await assert.rejects(changed.put('small', parts('small'), limits), { code: 'storage_unavailable' });
    await assert.rejects(changed.put('large', random(partBytes + 1), limits), { code: 'storage_unavailable' });
    await blobs.put('right', parts('right'), limits);
    const reading = await changed.get('right');

    assert.deepEqual(await Promise.all(['small', 'large'].map(blobs.has)), [false, false]);
    await assert.rejects(collect(reading!), { code: 'storage_unavailable', message: /other bytes/ });
  });

  withS3('gives up after some attempts', async (options) => {
    await using between = await s3Between(options.endpoint!, (it) => refuse(it, 503, 'SlowDown'));

    const said = s3Blobs({ ...options, endpoint: between.endpoint }).has('x');

    await assert.rejects(said, { code: 'storage_unavailable', message: /eve-test at http.*4 attempts.*503/ });
    assert.equal(between.seen.length, 4);
  });

  withS3('stops waiting when it is told to', async (options) => {
    await using between = await s3Between(options.endpoint!, () => {});
    const ending = new AbortController();
    const blobs = s3Blobs({ ...options, endpoint: between.endpoint, signal: ending.signal });

    setTimeout(() => ending.abort(new Error('leaving')), 50);

    await assert.rejects(blobs.has('x'), /leaving/);
  });

  withS3('waits only so long for an answer', async (options) => {
    await using between = await s3Between(options.endpoint!, () => {});
    const blobs = s3Blobs({ ...options, endpoint: between.endpoint, answerMs: 30, attempts: 2 });

    await assert.rejects(blobs.has('x'), { code: 'storage_unavailable', message: /2 attempts/ });
    assert.equal(between.seen.length, 2);
  });

  withS3('follows nobody to another server', async (options) => {
    await using elsewhere = await s3Between(options.endpoint!, (it) => it.pass());
    await using between = await s3Between(options.endpoint!, ({ response, path }) => {
      response.writeHead(307, { location: `${elsewhere.endpoint}${path}` }).end();
    });

    const said = s3Blobs({ ...options, endpoint: between.endpoint }).put('x', parts('x'), limits);

    await assert.rejects(said, { code: 'storage_unavailable', message: /EVE_BLOBS_S3_REGION/ });
    assert.deepEqual(elsewhere.seen, []);
  });

  withS3('refuses what is no list of objects', async (options) => {
    await using between = await s3Between(options.endpoint!, ({ response }) => response.end('<html>Welcome</html>'));

    const said = all(s3Blobs({ ...options, endpoint: between.endpoint }).list('x'));

    await assert.rejects(said, { code: 'storage_unavailable', message: /does not list/ });
  });

  const codes: readonly [status: number, code: string, error: string, says: RegExp][] = [
    [403, 'InvalidAccessKeyId', 'storage_unavailable', /EVE_BLOBS_S3_ACCESS_KEY_ID/],
    [403, 'AccessDenied', 'storage_unavailable', /must allow to list the bucket/],
    [403, 'RequestTimeTooSkewed', 'storage_unavailable', /clock/],
    [301, 'PermanentRedirect', 'storage_unavailable', /EVE_BLOBS_S3_REGION/],
    [403, 'QuotaExceeded', 'disk_full', /raise its quota/],
    [507, 'XMinioStorageFull', 'disk_full', /make room/],
    [404, 'SomethingElse', 'storage_unavailable', /status 404, SomethingElse/],
    [404, '<b>', 'storage_unavailable', /status 404\)/],
  ];
  for (const [status, code, error, says] of codes) {
    withS3(`says what ${status} ${code} means`, async (options) => {
      await using between = await s3Between(options.endpoint!, (it) => refuse(it, status, code));
      const blobs = s3Blobs({ ...options, endpoint: between.endpoint });

      await assert.rejects(blobs.get('x'), { code: error, message: says });
      await assert.rejects(blobs.put('x', parts('x'), limits), { code: error, message: says });
    });
  }

  const wrong: readonly [what: string, change: (options: S3BlobsOptions) => Partial<S3BlobsOptions>, says: RegExp][] = [
    [
      'the secret',
      ({ credentials }) => ({ credentials: { ...credentials, secretAccessKey: 'AnotherSecret' } }),
      /SECRET_ACCESS_KEY/,
    ],
    ['the bucket', () => ({ bucket: 'not-there' }), /not-there at http.*does not exist.*EVE_BLOBS_S3/],
    ['the region', () => ({ region: 'us-west-9' }), /EVE_BLOBS_S3_REGION/],
    ['the server', () => ({ endpoint: 'http://127.0.0.1:9' }), /127\.0\.0\.1:9 .*EVE_BLOBS_S3_ENDPOINT/],
  ];
  for (const [what, change, says] of wrong) {
    withS3(`says what to do when ${what} is wrong, and no credential`, async (options) => {
      const changed = { ...options, ...change(options) };
      const blobs = s3Blobs(changed);
      const { accessKeyId, secretAccessKey } = changed.credentials;

      for (const ask of [() => blobs.put('x', parts('x'), limits), () => blobs.get('x'), () => all(blobs.list('x'))]) {
        const error = await ask().then(
          () => null,
          (thrown: unknown) => thrown,
        );
        const text = inspect(error, { depth: 10, showHidden: true });
        assert.match(text, says);
        assert.match(text, /storage_unavailable/);
        for (const secret of [accessKeyId, secretAccessKey]) assert.equal(text.includes(secret), false, text);
      }
    });
  }

  withS3('lists more than one page, and leaves what others keep there alone', async (options, s3) => {
    const [directory, count] = [join(s3.directory, s3.bucket, options.prefix, 'many'), 1_100];
    await mkdir(directory, { recursive: true });
    for (let at = 0; at < count; at++) await writeFile(join(directory, `${at}`), 'x');
    await writeFile(join(directory, 'not ours & <more>'), 'x');
    const blobs = s3Blobs(options);

    const found = await all(blobs.list('many'));
    await blobs.deleteBelow('many');

    assert.equal(new Set(found.map(({ key }) => key)).size, count);
    assert.deepEqual(await all(blobs.list('many')), []);
    const above = all(s3Blobs({ ...options, prefix: '' }).list(options.prefix));
    assert.deepEqual(await above, []);
  });
});
