import assert from 'node:assert/strict';
import { it } from 'node:test';
import { doubts } from './doubts.ts';
import type { Suspicion } from './suspicion.ts';

const noRoom: Suspicion = { code: 'unschedulable', message: 'no room', hint: '', patienceMs: 5_000 };

it('only a suspicion that lasts without a break is a failure', () => {
  const heard = doubts<string>((name) => name);

  const first = heard.hear([['web-1', noRoom]], 0);
  const gone = heard.hear([], 4_000);
  const again = heard.hear([['web-1', noRoom]], 6_000);
  const other = heard.hear(
    [
      ['web-1', noRoom],
      ['web-2', noRoom],
    ],
    10_900,
  );
  const lasted = heard.hear(
    [
      ['web-2', noRoom],
      ['web-1', noRoom],
    ],
    11_000,
  );

  assert.deepEqual([first.lasted, gone.lasted, again.lasted, other.lasted], [null, null, null, null]);
  assert.deepEqual(
    [first.begun, again.begun, other.begun, lasted.begun].map(({ length }) => length),
    [1, 1, 1, 0],
  );
  assert.deepEqual(lasted.lasted, ['web-1', noRoom]);
});

it('one without patience is a failure at once', () => {
  assert.ok(doubts<string>((name) => name).hear([['web-1', { ...noRoom, patienceMs: 0 }]], 0).lasted);
});
