import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { failureIn } from './base-images.ts';
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
