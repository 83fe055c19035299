import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Strategy } from '@eve/domain';
import { strategyFrom, strategyText, strategyWords } from './read-strategy.ts';

const canary = (...steps: [number, number | null][]): Strategy => {
  return { kind: 'canary', steps: steps.map(([weight, pauseMs]) => ({ weight, pauseMs })), keepWarmMs: 0 };
};

function mistakesIn(value: unknown): string {
  try {
    strategyFrom(value);
  } catch (error) {
    const { code, details } = error as { code: string; details: { path: string; message: string }[] };
    assert.equal(code, 'strategy_invalid');
    return details.map(({ path, message }) => `${path}: ${message}`).join(' / ');
  }
  return 'none';
}

describe('the words of a strategy', () => {
  for (const [text, expected] of [
    ['rolling', { kind: 'rolling' }],
    ['blue-green', { kind: 'blue_green', keepWarmMs: 0 }],
    ['blue_green', { kind: 'blue_green', keepWarmMs: 0 }],
    ['blue-green:10m', { kind: 'blue_green', keepWarmMs: 600_000 }],
    ['canary', canary([10, null])],
    ['canary:10,50', canary([10, null], [50, null])],
    ['canary:5%@30s, 50@1m30s,90', canary([5, 30_000], [50, 90_000], [90, null])],
  ] as const) {
    it(`may be the text ${text}`, () => assert.deepEqual(strategyFrom(text), expected));
  }

  for (const [what, value, expected] of [
    ['its type alone', { type: 'rolling' }, { kind: 'rolling' }],
    ['a time of keeping warm', { type: 'blue-green', keep_warm: '1h' }, { kind: 'blue_green', keepWarmMs: 3_600_000 }],
    ['bare numbers as steps', { type: 'canary', steps: [10, '50'] }, canary([10, null], [50, null])],
    [
      'steps with every form of a pause',
      {
        type: 'canary',
        steps: [{ weight: 1, pause: 5 }, { weight: 2, pause: 'manual' }, { weight: 3, pause: null }, { weight: 99 }],
      },
      canary([1, 5000], [2, null], [3, null], [99, null]),
    ],
  ] as const) {
    it(`may be a mapping with ${what}`, () => assert.deepEqual(strategyFrom(value), expected));
  }

  for (const [value, expected] of [
    ['recreate', /^: `recreate` is no strategy; use one of: rolling, blue-green, canary\.$/],
    ['', /^: Use one of: rolling/],
    ['rolling:3', /nothing after its name/],
    ['blue-green:soon', /`soon` is no duration/],
    ['canary:', /whole number of percents/],
    ['canary:10,100', /from 1 to 99/],
    ['canary:50,10', /10 comes after 50/],
    ['canary:10@later', /`later` is no duration/],
    ['canary:10@5m@6m', /`5m@6m` is no duration/],
    [null, /Write the strategy as one of/],
    [['canary'], /Write the strategy as one of/],
    [{}, /Say which strategy as `type`/],
    [{ type: 'slow' }, /^type: `slow` is no strategy/],
    [{ type: 'rolling', steps: [1] }, /^steps: A rolling strategy has no `steps`/],
    [{ type: 'canary', stpes: [] }, /^stpes: A canary strategy has no `stpes`; it has `type`, `steps`, `keep_warm`/],
    [{ type: 'canary', steps: [] }, /^steps: A canary has 1 to 20 steps/],
    [{ type: 'canary', steps: 10 }, /^steps: Write `steps` as a list/],
    [{ type: 'canary', steps: [{ weight: 0 }] }, /^steps\[0\]: The weight/],
    [{ type: 'canary', steps: [{ weight: 10, pause: -1 }] }, /^steps\[0\]\.pause: `-1` is no duration/],
    [{ type: 'canary', steps: [{ weight: 10, wait: 1 }] }, /^steps\[0\]\.wait: A step has no `wait`/],
    [{ type: 'canary', keep_warm: '8000h' }, /^keep_warm: `8000h` is no duration.*at most a week/],
  ] as const) {
    it(`are refused, with what may stand there: ${JSON.stringify(value)}`, () => {
      assert.match(mistakesIn(value), expected);
    });
  }

  it('are all told when several are wrong', () => {
    const steps = [{ weight: 100 }, { weight: 10, pause: 'x' }];

    assert.equal(mistakesIn({ type: 'canary', steps, keep_warm: 'y' }).split(' / ').length, 3);
  });

  it('are made of a strategy so that they are read as it again', () => {
    for (const text of ['rolling', 'blue-green', 'blue-green:90s', 'canary:10,50', 'canary:1@500ms,2@2h']) {
      const strategy = strategyFrom(text);

      assert.equal(strategyText(strategy), text);
      assert.deepEqual(strategyFrom(strategyWords(strategy)), strategy);
    }
    const warm = { ...canary([10, null]), keepWarmMs: 60_000 };
    assert.deepEqual(strategyFrom(strategyWords(warm)), warm);
  });
});
