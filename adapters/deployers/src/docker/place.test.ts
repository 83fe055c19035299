import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { freeSlot, freeSubnets, slotAddress } from './place.ts';

describe('the subnets of a pool', () => {
  it('leave out what anything overlaps, also in part', () => {
    const taken = ['10.213.0.0/24', '10.213.1.128/25', '10.213.2.5/24', '10.213.4.0/23', '172.17.0.0/16'];

    assert.deepEqual([...freeSubnets('10.213.0.0/21', taken)], ['10.213.3.0/24', '10.213.6.0/24', '10.213.7.0/24']);
  });

  it('are none when a larger network covers the pool', () => {
    assert.deepEqual([...freeSubnets('10.213.0.0/16', ['10.0.0.0/8'])], []);
  });
});

describe('the address of an instance', () => {
  it('has the same last number in each network of names', () => {
    assert.equal(slotAddress('10.213.7.0/24', 12), '10.213.7.12');
  });

  it('is the lowest that is free, and none when all are taken', () => {
    assert.equal(freeSlot(new Set([2, 3, 5])), 4);
    assert.equal(freeSlot(new Set(Array.from({ length: 200 }, (_, slot) => slot))), undefined);
  });
});
