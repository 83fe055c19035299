import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { failureIn, sweepScratch } from './base-images.ts';
import { certificatesBeyond } from './extra-certificates.ts';

const bundle = await readFile('/etc/ssl/certs/ca-certificates.crt', 'utf8').catch(() => '');
const [one = '', other = ''] = bundle.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];

describe('extra certificates', { skip: other === '' && 'the machine has no certificate authorities' }, () => {
  it('are those that the system does not ship, each once', () => {
    const extra = certificatesBeyond([`${one}\n${other}\n`, `${other}\n`], [one]);

    assert.deepEqual(
      extra.map(({ pem }) => pem.trim()),
      [other.trim()],
    );
  });

  it('leave out what is not a certificate', () => {
    const broken = '-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----';

    assert.deepEqual(certificatesBeyond([broken, 'no certificate at all'], []), []);
  });
});

describe('a push', () => {
  it('failed when its stream says so, in the words of the engine', () => {
    const stream = '{"status":"Preparing"}\n{"errorDetail":{"message":"a \\"b\\""},"error":"a \\"b\\""}\n';

    assert.equal(failureIn(stream), 'a "b"');
  });

  it('is done when its stream tells of nothing wrong', () => {
    assert.equal(failureIn('{"status":"Pushed"}\n'), null);
  });
});

describe('the cache directory', () => {
  it('is rid of what killed processes left, and keeps what is being made and what is kept', async () => {
    const cacheDir = await mkdtemp(join(tmpdir(), 'eve-cache-'));
    try {
      const mine = `base-image-${process.pid}-aaaaaa`;
      for (const name of ['base-image-bbbbbb', 'base-image-4194999-cccccc', mine, 'buildx-1']) {
        await mkdir(join(cacheDir, name, 'context'), { recursive: true });
      }

      await sweepScratch(cacheDir);

      assert.deepEqual((await readdir(cacheDir)).sort(), [mine, 'buildx-1']);
    } finally {
      await rm(cacheDir, { recursive: true, force: true });
    }
  });
});
