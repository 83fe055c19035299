import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { logLine } from './log-line.ts';

describe('a line as a kubelet writes it', () => {
  it('has a time to the nanosecond and what was printed', () => {
    assert.deepEqual(logLine('2026-11-21T21:12:36.123456789Z  two  spaces '), {
      at: new Date('2026-11-21T21:12:36.123Z'),
      time: '2026-11-21T21:12:36.123456789Z',
      text: ' two  spaces ',
    });
  });

  it('has its time in UTC, however the machine writes it', () => {
    const times = ['2026-11-21T22:12:36.1+01:00 a', '2026-11-21T15:42:36.1-05:30 a', '2026-11-21T21:12:36.1Z a'];

    assert.deepEqual(new Set(times.map((line) => logLine(line)?.time)), new Set(['2026-11-21T21:12:36.100000000Z']));
    assert.equal(logLine('2026-11-21T21:12:36Z a')?.time, '2026-11-21T21:12:36.000000000Z');
  });

  it('may be empty', () => {
    assert.equal(logLine('2026-11-21T21:12:36.1Z ')?.text, '');
    assert.equal(logLine('2026-11-21T21:12:36.1Z')?.text, '');
  });

  it('is none without a time', () => {
    assert.equal(logLine('failed to create fsnotify watcher: too many open files'), null);
    assert.equal(logLine('2026-13-41T21:12:36.1Z a'), null);
  });
});
