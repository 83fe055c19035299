import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { advanceCanary, canaryAt, isPromoted } from './strategy.ts';

const steps = [
  { weight: 10, pauseMs: 1_000 },
  { weight: 50, pauseMs: null },
];
const at = (seconds: number) => new Date(seconds * 1_000);

describe('a canary', () => {
  it('takes the next step when its time is over, and then waits for somebody where the step says so', () => {
    const first = canaryAt(steps, 0, at(0));

    const early = advanceCanary(steps, first, null, at(0.9));
    const second = advanceCanary(steps, first, null, at(1));
    const later = advanceCanary(steps, second, null, at(9_999));

    assert.deepEqual(first, { step: 0, weight: 10, since: at(0), paused: false });
    assert.equal(early, first);
    assert.deepEqual(second, { step: 1, weight: 50, since: at(1), paused: true });
    assert.equal(later, second);
  });

  it('stays where it is when somebody pauses it, until it is promoted', () => {
    const paused = advanceCanary(steps, canaryAt(steps, 0, at(0)), 'pause', at(0.5));

    assert.deepEqual(paused, { step: 0, weight: 10, since: at(0), paused: true });
    assert.equal(advanceCanary(steps, paused, null, at(60)), paused);
    assert.deepEqual(advanceCanary(steps, paused, 'promote', at(60)), canaryAt(steps, 1, at(60)));
  });

  it('is promoted after its last step, or from any when all is asked for', () => {
    const last = canaryAt(steps, 1, at(0));

    const promoted = advanceCanary(steps, last, 'promote', at(1));
    const atOnce = advanceCanary(steps, canaryAt(steps, 0, at(0)), 'promote_all', at(1));

    assert.deepEqual(promoted, { step: 2, weight: 100, since: at(1), paused: false });
    assert.deepEqual(atOnce, promoted);
    assert.deepEqual([isPromoted(steps, last), isPromoted(steps, promoted)], [false, true]);
  });
});
