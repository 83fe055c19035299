import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { evenWeight } from '../record-endpoints.ts';
import { canaryWeights, newShare } from './weights.ts';

describe('weights of a canary', () => {
  it('say a share exactly where that can be said, in small numbers', () => {
    assert.deepEqual(canaryWeights(50, 1, 1), { old: 1, new: 1 });
    assert.deepEqual(canaryWeights(10, 1, 1), { old: 9, new: 1 });
    assert.deepEqual(canaryWeights(25, 3, 1), { old: 1, new: 1 });
    assert.deepEqual(canaryWeights(90, 1, 1), { old: 1, new: 9 });
  });

  it('begin after the shortest turn of a router, in which new weights do not count yet', () => {
    assert.equal(evenWeight, 1);
  });

  it('take the number of instances on both sides into account', () => {
    assert.equal(newShare(canaryWeights(10, 2, 5), 2, 5), 10);
    assert.equal(newShare(canaryWeights(50, 7, 3), 7, 3), 50);
    assert.equal(newShare({ old: 1, new: 1 }, 3, 1), 25);
  });

  it('are never nothing, never too heavy, and as near to the share as whole numbers come', () => {
    for (let percent = 1; percent <= 99; percent++) {
      for (const [old, fresh] of [
        [1, 1],
        [1, 4],
        [4, 1],
        [3, 7],
        [20, 20],
      ] as const) {
        const weights = canaryWeights(percent, old, fresh);
        for (const weight of [weights.old, weights.new]) assert.ok(weight >= 1 && weight <= 256);
        const error = Math.abs(newShare(weights, old, fresh) - percent);
        assert.ok(error < 0.6, `${percent} % of ${old} and ${fresh}: ${JSON.stringify(weights)} is off by ${error}`);
      }
    }
  });

  it('give the least that there is where a share cannot be that small', () => {
    assert.deepEqual(canaryWeights(1, 1, 50), { old: 256, new: 1 });
  });
});
