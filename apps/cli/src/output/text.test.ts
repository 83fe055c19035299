import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { duration, fields, size, table } from './text.ts';

describe('text', () => {
  it('says durations as people do', () => {
    const said = [0, 850, 12_300, 59_999, 125_000, 3_780_000, 7_200_000].map(duration);

    assert.deepEqual(said, ['0 ms', '850 ms', '12.3 s', '1 min 0 s', '2 min 5 s', '1 h 3 min', '2 h 0 min']);
  });

  it('says sizes in decimal units', () => {
    assert.deepEqual([null, 0, 999, 1500, 41_200_000, 2_000_000_000].map(size), [
      '-',
      '0 B',
      '999 B',
      '1.5 kB',
      '41.2 MB',
      '2.0 GB',
    ]);
  });

  it('makes columns as wide as their widest cell, without blanks at the end', () => {
    assert.deepEqual(table(['A', 'Long'], [['wide cell', 'x']]), ['A          Long', 'wide cell  x']);
  });

  it('leaves out fields without a value', () => {
    assert.deepEqual(fields({ SHA: 'abc', Nothing: null, Manifest: 'def' }), ['  SHA:      abc', '  Manifest: def']);
  });
});
