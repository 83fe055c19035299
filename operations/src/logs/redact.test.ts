import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { redactor } from './redact.ts';

const secret = 'hunter2/with "quotes" & more+';

describe('a redactor', () => {
  const redact = redactor([secret, 'line one of a key\nline two of a key', 'abc']);

  for (const [name, text] of Object.entries({
    plain: secret,
    base64: Buffer.from(secret).toString('base64'),
    'base64 with a newline behind it': Buffer.from(`${secret}\n`).toString('base64'),
    'base64 behind another text': Buffer.from(`user:${secret}`).toString('base64'),
    'base64 between other texts': Buffer.from(`ab${secret}cd`).toString('base64'),
    base64url: Buffer.from(secret).toString('base64url'),
    'URL-encoded': encodeURIComponent(secret),
    'URL-encoded with small digits': encodeURIComponent(secret).toLowerCase(),
    'URL-encoded as in a form': encodeURIComponent(secret).replaceAll('%20', '+'),
    'URL-encoded to the last mark': secret.replace(/[^A-Za-z0-9]/g, (mark) => `%${mark.charCodeAt(0).toString(16)}`),
    'JSON-escaped': JSON.stringify(secret),
    'JSON-escaped with slashes': JSON.stringify(secret).replaceAll('/', '\\/'),
    'JSON-escaped for HTML': JSON.stringify(secret).replaceAll('&', '\\u0026'),
    'JSON within JSON': JSON.stringify(JSON.stringify(secret)),
  })) {
    it(`hides a value that is ${name}`, () => {
      const shown = redact(`before ${text} after`);

      assert.match(shown, /^before .*\*\*\*.* after$/);
      assert.ok(shown.length < 'before *** after'.length + 12, shown);
    });
  }

  it('hides each line of a value of several lines', () => {
    assert.equal(redact('> line two of a key'), '> ***');
    assert.equal(redact('line one of a key\\nline two of a key'), '***');
    assert.equal(redact('line one of a key\\r\\nline two of a key'), '***');
  });

  it('hides long values in base64 that a tool has wrapped', () => {
    const long = 'x1y2z3'.repeat(40);
    const wrapped =
      Buffer.from(long)
        .toString('base64')
        .match(/.{1,76}/g) ?? [];

    for (const line of wrapped) assert.equal(redactor([long])(line).replaceAll('***', '').length < 4, true);
  });

  it('keeps pace with a build that prints 100,000 lines a second, whatever it hides', () => {
    const many = redactor(Array.from({ length: 50 }, (_, index) => `s3cret-${index * 7919}-value/${index}`));
    const lines = Array.from({ length: 20_000 }, (_, index) => `#12 3.4 GET 200 https://example.org/${index}.tgz s3cr`);

    const began = performance.now();
    for (const line of lines) many(line);

    assert.ok(performance.now() - began < 200, `${performance.now() - began} ms for 20,000 lines`);
  });

  it('hides a value with a quote as a shell writes it, and one that is not ASCII as JSON may', () => {
    assert.equal(redactor(["it's/1"])("+ echo 'it'\\''s/1'"), "+ echo '***'");
    assert.equal(redactor(['schlüssel'])('"schl\\u00fcssel" schl%C3%BCssel'), '"***" ***');
  });

  it('leaves other text alone, and values too short to be told from it', () => {
    assert.equal(redact('abc and hunter'), 'abc and hunter');
    assert.equal(redactor([])('anything'), 'anything');
  });
});
