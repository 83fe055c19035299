import assert from 'node:assert/strict';
import { it } from 'node:test';
import { changedValues, configChanges } from './config-change.ts';

it('tells what was added, changed and removed, service by service', () => {
  const before = { '*': { A: { plain: '1' }, B: { secret: 'KEY' } }, web: { PORT: { plain: '80' } } };
  const after = { '*': { A: { plain: '2' }, B: { secret: 'KEY' }, C: { secret: 'OTHER' } } };

  assert.deepEqual(configChanges(before, after), [
    { service: '*', name: 'A', before: { plain: '1' }, after: { plain: '2' } },
    { service: '*', name: 'C', before: null, after: { secret: 'OTHER' } },
    { service: 'web', name: 'PORT', before: { plain: '80' }, after: null },
  ]);
  assert.deepEqual(configChanges(after, after), []);
});

it('takes a value and a reference of the same text for different', () => {
  const [change] = configChanges({ '*': { A: { plain: 'KEY' } } }, { '*': { A: { secret: 'KEY' } } });

  assert.deepEqual(change?.after, { secret: 'KEY' });
});

it('changes one service and leaves the others as they are', () => {
  const values = { '*': { A: { plain: '1' } }, web: { B: { plain: '2' } } };

  assert.deepEqual(changedValues(values, 'web', { set: { C: { plain: '3' } }, unset: ['B'] }), {
    '*': { A: { plain: '1' } },
    web: { C: { plain: '3' } },
  });
  assert.deepEqual(changedValues(values, 'web', { set: {}, unset: ['B'] }), { '*': { A: { plain: '1' } } });
  assert.deepEqual(configChanges(values, changedValues(values, 'jobs', { set: {}, unset: ['B'] })), []);
});

it('is not led astray by names that every object has', () => {
  const set = Object.fromEntries([['__proto__', { plain: 'x' }]]);

  const values = changedValues({}, '__proto__', { set, unset: [] });

  assert.equal(configChanges({}, values).length, 1);
  assert.deepEqual(configChanges({}, changedValues({}, 'toString', { set: {}, unset: ['valueOf'] })), []);
});
