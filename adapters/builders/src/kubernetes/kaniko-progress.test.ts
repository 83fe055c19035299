import assert from 'node:assert/strict';
import { it } from 'node:test';
import { kanikoProgress } from './kaniko-progress.ts';

const own = (msg: string, level = 'info') => JSON.stringify({ level, msg, time: '2026-01-01T00:00:00Z' });
const ended = { exitCode: 7, service: 'web', stopped: false, memory: null };

it('tells the executor’s instructions as steps, and what they print as their output', async () => {
  const progress = kanikoProgress();

  const events = await progress.push(Buffer.from(`${own('FROM base')}\n${own('RUN make')}\nmade it\n`));

  assert.deepEqual(
    events.map((event) => (event.type === 'step' ? `${event.state} ${event.name}` : `${event.step}: ${event.text}`)),
    ['started FROM base', 'done FROM base', 'started RUN make', 'RUN make: made it'],
  );
});

it('names the step that failed and its exit code', async () => {
  const progress = kanikoProgress();
  const error =
    'error building image: error building stage: failed to execute command: waiting for process to exit: exit status 7';
  await progress.push(Buffer.from(`${own('RUN make')}\nno rule\n${own(error, 'fatal')}\n`));

  const failure = progress.failureOf(ended);

  assert.deepEqual([failure.code, failure.step], ['build_error', 'RUN make']);
  assert.match(failure.message, /kaniko failed with exit code 7 at RUN make/);
  assert.ok(failure.tail.includes('no rule'));
});

it('tells a push that is not allowed', async () => {
  const progress = kanikoProgress();
  const error =
    'error checking push permissions -- make sure you entered the correct tag name: UNAUTHORIZED: authentication required';
  await progress.push(Buffer.from(`${own(error, 'fatal')}\n`));

  assert.deepEqual([progress.failureOf(ended).code, progress.failureOf(ended).phase], ['auth_error', 'push']);
});
