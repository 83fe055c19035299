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
    'JSON-escaped': JSON.stringify(secret),
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
  });

  it('hides long values in base64 that a tool has wrapped', () => {
    const long = 'x1y2z3'.repeat(40);
    const wrapped =
      Buffer.from(long)
        .toString('base64')
        .match(/.{1,76}/g) ?? [];

    for (const line of wrapped) assert.equal(redactor([long])(line).replaceAll('***', '').length < 4, true);
  });

  it('leaves other text alone, and values too short to be told from it', () => {
    assert.equal(redact('abc and hunter'), 'abc and hunter');
    assert.equal(redactor([])('anything'), 'anything');
  });
});
