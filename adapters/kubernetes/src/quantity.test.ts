import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { quantity } from './quantity.ts';

describe('quantities', () => {
  it('are read with every unit that Kubernetes writes', () => {
    const read = ['2', '250m', '1.5', '24581692Ki', '4Gi', '1e3', '5G', '100k'].map(quantity);

    assert.deepEqual(read, [2, 0.25, 1.5, 24581692 * 1024, 4 * 2 ** 30, 1000, 5e9, 100_000]);
  });

  it('are no numbers otherwise', () => {
    for (const text of ['', 'much', '4 Gi', '4Xi', '--1']) assert.ok(Number.isNaN(quantity(text)), text);
  });
});
