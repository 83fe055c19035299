import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nearestOf } from './nearest.ts';
import { parseByteSize, parseCpus, parseDuration, splitCommand } from './units.ts';

describe('amounts', () => {
  for (const [text, expected] of [
    ['10s', 10_000],
    ['1m30s', 90_000],
    ['500ms', 500],
    ['1.5s', 1500],
    ['2h', 7_200_000],
    ['3', 3000],
    ['', null],
    ['10', 10_000],
    ['s', null],
    ['-1s', null],
    ['1d', null],
  ] as const) {
    it(`read the duration "${text}"`, () => assert.equal(parseDuration(text), expected));
  }

  for (const [text, expected] of [
    ['512M', 512 * 1024 ** 2],
    ['1g', 1024 ** 3],
    ['64kb', 65_536],
    ['1.5G', 1.5 * 1024 ** 3],
    ['256Mi', 256 * 1024 ** 2],
    ['100', 100],
    ['10b', 10],
    ['x', null],
    ['-1', null],
    ['', null],
  ] as const) {
    it(`read the size "${text}"`, () => assert.equal(parseByteSize(text), expected));
  }

  for (const [text, expected] of [
    ['0.5', 0.5],
    ['2', 2],
    ['500m', 0.5],
    ['0', null],
    ['many', null],
  ] as const) {
    it(`read the processors "${text}"`, () => assert.equal(parseCpus(text), expected));
  }
});

describe('a command', () => {
  for (const [text, expected] of [
    ['', []],
    ['  a  b ', ['a', 'b']],
    ['a "" b', ['a', '', 'b']],
    ['sh -c "echo \\"x\\" $HOME"', ['sh', '-c', 'echo "x" $HOME']],
    ["a 'b\\c'", ['a', 'b\\c']],
    ['a\\ b', ['a b']],
    ['a"b"\'c\'', ['abc']],
    ['a \\\n b', ['a', 'b']],
    ['a "b', null],
    ['a \\', null],
  ] as const) {
    it(`is split as a shell would: ${JSON.stringify(text)}`, () => assert.deepEqual(splitCommand(text), expected));
  }
});

describe('the nearest name', () => {
  it('is found for a slip and not for a stranger', () => {
    const known = ['environment', 'entrypoint', 'image', 'ports'];

    assert.equal(nearestOf('enviroment', known), 'environment');
    assert.equal(nearestOf('prots', known), 'ports');
    assert.equal(nearestOf('Image', known), 'image');
    assert.equal(nearestOf('zebra', known), null);
  });
});
