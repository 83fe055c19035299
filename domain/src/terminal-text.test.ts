import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { terminalText } from './terminal-text.ts';

const esc = '\u001b';
const colour = new RegExp(`${esc}\\[[0-9;]*m`, 'g');

describe('text for a terminal', () => {
  for (const [name, line, shown] of [
    ['plain text with tabs', 'a\tb – ü', 'a\tb – ü'],
    ['colours', `a${esc}[1;31mred${esc}[0m`, 'ared'],
    ['cursor moves and clearing', `a${esc}[2J${esc}[10;5Hb${esc}[?25lc`, 'abc'],
    ['a title and a link', `a${esc}]0;title\u0007b${esc}]8;;http://x${esc}\\c`, 'abc'],
    ['device strings', `a${esc}Pdata${esc}\\b${esc}_apc${esc}\\c`, 'abc'],
    ['sequences of one byte', 'a\u009b2Jb\u009d0;title\u009cc', 'abc'],
    ['character sets and resets', `a${esc}(0b${esc}cd`, 'abd'],
    ['an unfinished title', `a${esc}]0;the rest stays`, 'a]0;the rest stays'],
    ['returns, backspaces, bells and NUL', 'a\rb\bc\u0007d\0e\u007f', 'abcde'],
  ] as const) {
    it(`is without ${name} that a terminal would obey`, () => {
      assert.equal(terminalText(line), shown);
      assert.doesNotMatch(terminalText(line, true).replaceAll(colour, ''), /[^\P{Cc}\t]/u);
    });
  }

  it('keeps colours where they are wanted, and nothing else', () => {
    assert.equal(terminalText(`${esc}[31mred${esc}[2J${esc}[0m`, true), `${esc}[31mred${esc}[0m${esc}[0m`);
    assert.equal(terminalText(`a${esc}${esc}[31m[2Jb`, true), `a${esc}[31m[2Jb${esc}[0m`);
  });

  it('takes a hostile line of a megabyte in no time', () => {
    const began = performance.now();
    for (const piece of [`${esc}]`, `${esc}[`, `${esc}[1;`, `${esc}P\u0090`, '\u009d'])
      terminalText(piece.repeat(1_000_000 / piece.length), true);

    assert.ok(performance.now() - began < 1_000, `${performance.now() - began} ms`);
  });
});
