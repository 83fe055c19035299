import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Lease } from '@eve/operations';
import { nextFence } from './fence.ts';

const lease = (work: string, fence: number): Lease => ({ workId: `work_${work}`, fence });

it('a later claim and a later work keep an earlier one from acting', () => {
  const first = nextFence('', lease('a', 1)) ?? '';
  const claimedAgain = nextFence(first, lease('a', 2)) ?? '';
  const nextWork = nextFence(claimedAgain, lease('b', 1)) ?? '';

  assert.equal(first, 'work_a:1');
  assert.equal(nextFence(first, lease('a', 1)), first);
  assert.equal(nextFence(claimedAgain, lease('a', 1)), null);
  assert.equal(nextWork, 'work_b:1 work_a:2');
  assert.equal(nextFence(nextWork, lease('a', 3)), null);
});

it('the fence remembers so many works that a late worker is known, and no more', () => {
  let written = '';
  for (let work = 0; work < 20; work++) written = nextFence(written, lease(String(work), 1)) ?? '';

  assert.equal(written.split(' ').length, 8);
  assert.ok(written.startsWith('work_19:1 '));
});
