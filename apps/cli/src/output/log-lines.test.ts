import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LogEvent } from '@eve/protocol-rest/client';
import { styleOf } from '../context.ts';
import { printLog } from '../follow/log.ts';

const esc = '\u001b';
const entry = {
  sequence: 1,
  timestamp: '2026-03-01T12:34:56.000Z',
  line: { message: '', step: null, service: 'web', stream: 'stdout', level: 'info', attempt: 1 },
} as const;

async function printed(colours: boolean, ...events: readonly LogEvent[]) {
  const out: string[] = [];
  const said: string[] = [];
  async function* all() {
    yield* events;
  }
  await printLog(all(), {
    print: (line) => void out.push(line),
    say: (line) => void said.push(line),
    style: styleOf(colours),
  });
  return { out: out.map((line) => line.replace(/^\[[\d:]+\] /, '')), said };
}

function log(message: string): LogEvent {
  return { type: 'log', ...entry, line: { ...entry.line, message } };
}

describe('a printed log', () => {
  it('obeys nothing that a build prints, but keeps its colours on a terminal', async () => {
    const hostile = log(`a${esc}[31mred${esc}[0m${esc}[2J${esc}]0;title\u0007 10%\r20%\0`);

    assert.deepEqual((await printed(false, hostile)).out, ['[web] ared 10%20%']);
    assert.deepEqual((await printed(true, hostile)).out, [`[web] a${esc}[31mred${esc}[0m 10%20%${esc}[0m`]);
  });

  it('says apart from the lines that the connection is lost and back', async () => {
    const { out, said } = await printed(
      false,
      log('one'),
      { type: 'connection', lost: true, message: 'The connection is lost (it was closed); it is taken up again.' },
      { type: 'connection', lost: false, message: 'Connected again; the log goes on.' },
      log('two'),
    );

    assert.deepEqual(out, ['[web] one', '[web] two']);
    assert.deepEqual(said, [
      'The connection is lost (it was closed); it is taken up again.',
      'Connected again; the log goes on.',
    ]);
  });
});
