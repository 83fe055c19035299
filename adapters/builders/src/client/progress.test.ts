import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { classifyFailure } from './failure.ts';
import { type ProgressEnd, type ProgressEvent, progressReader } from './progress.ts';

/** What a real buildx 0.13 printed with a real engine. */
const recorded = (name: string) => readFile(new URL(`../../testing/progress/${name}.txt`, import.meta.url));

function read(bytes: Uint8Array, chunkSize: number): ProgressEnd & { events: ProgressEvent[] } {
  const reader = progressReader();
  const events: ProgressEvent[] = [];
  for (let at = 0; at < bytes.length; at += chunkSize) events.push(...reader.push(bytes.subarray(at, at + chunkSize)));
  const end = reader.end();
  return { ...end, events: [...events, ...end.events] };
}

const failureOf = ({ failedStep, said }: ProgressEnd) =>
  classifyFailure({
    failedStep,
    said,
    program: 'docker buildx',
    exitCode: 1,
    service: 'web',
    stopped: false,
    memory: null,
  });

function stream(...objects: object[]): Buffer {
  return Buffer.from(objects.map((object) => JSON.stringify(object)).join('\n'));
}

const log = (text: string | Buffer, fd = 1) => ({
  logs: [{ vertex: 'v', stream: fd, data: Buffer.from(text).toString('base64'), timestamp: '2026-01-01T00:00:00Z' }],
});

describe('buildx progress', () => {
  it('reads the same however the stream is cut', async () => {
    const bytes = await recorded('failing-step');

    const whole = read(bytes, bytes.length);

    for (const size of [1, 7, 1000]) assert.deepEqual(read(bytes, size), whole);
  });

  it('finds the failing step of a recorded build', async () => {
    const end = read(await recorded('failing-step'), 4096);

    assert.match(end.failedStep?.name ?? '', /^\[deps 3\/3\] RUN printf/);
    assert.deepEqual(end.failedStep?.tail, ['c', 'partial line', '401 timeout']);
    assert.match(failureOf(end).message, /^docker buildx failed with exit code 7 at \[deps 3\/3\] RUN printf/);
    assert.equal(failureOf(end).code, 'build_error');
  });

  it('finds the line of a Dockerfile that cannot be read, in the text after the progress', async () => {
    const failure = failureOf(read(await recorded('unknown-instruction'), 4096));

    assert.equal(failure.code, 'build_error');
    assert.equal(failure.message, 'Dockerfile line 2: unknown instruction: RUNN');
  });

  it('blames the registry when the push fails', async () => {
    const failure = failureOf(read(await recorded('registry-away'), 4096));

    assert.equal(failure.code, 'registry_error');
    assert.match(failure.message, /could not be pushed: .*connection refused/);
  });

  it('reads objects that stand on one line each', () => {
    const vertex = { digest: 'v', name: '[1/1] RUN x', started: '2026-01-01T00:00:00Z' };

    const { events } = read(stream({ vertexes: [vertex] }, log('a\nb'), log('c\n')), 5);

    assert.deepEqual(
      events.map((event) => (event.type === 'log' ? event.text : event.state)),
      ['started', 'a', 'bc'],
    );
  });

  it('tells that a step has begun before the lines that came together with that', () => {
    const begun = { vertexes: [{ digest: 'v', name: 'RUN x', started: '2026-01-01T00:00:00Z' }], ...log('first\n') };

    const { events } = read(stream(begun), 4096);

    assert.deepEqual(
      events.map((event) => (event.type === 'log' ? event.text : event.state)),
      ['started', 'first'],
    );
  });

  it('keeps characters whole that come in two pieces', () => {
    const bytes = Buffer.from('né\n');

    const { events } = read(stream(log(bytes.subarray(0, 2)), log(bytes.subarray(2))), 1000);

    assert.deepEqual(
      events.map((event) => event.type === 'log' && event.text),
      ['né'],
    );
  });

  it('shows a progress bar as it was last', () => {
    const bar = read(stream(log('1%\r2%\r'), log('3%\r'), log('done\r\n')), 1000);

    assert.deepEqual(
      bar.events.map((event) => event.type === 'log' && event.text),
      ['done'],
    );
  });

  it('hands a long line on whole, and of one that never ends more than a log keeps', () => {
    const long = read(stream(log('x'.repeat(70_000)), log('sec'), log('ret\n')), 1000);
    const endless = read(stream(...Array.from({ length: 30 }, () => log('x'.repeat(100_000)))), 100_000);

    const texts = [long, endless].map(({ events }) => events.map((event) => (event.type === 'log' ? event.text : '')));
    assert.deepEqual(
      texts.map((of) => of.length),
      [1, 1],
    );
    assert.equal(texts[0]?.[0], `${'x'.repeat(70_000)}secret`);
    assert.ok((texts[1]?.[0]?.length ?? 0) > 1024 * 1024);
  });

  it('does not blame a step that was given up because another failed', () => {
    const failed = (digest: string, error: string) => ({ vertexes: [{ digest, name: digest, error }] });

    const { failedStep } = read(
      stream(failed('a', 'rpc error: code = Canceled desc = context canceled'), failed('b', 'exit code: 1')),
      1000,
    );

    assert.equal(failedStep?.name, 'b');
  });

  it('does not blame a cache that was not there', () => {
    const vertex = (digest: string, name: string, error: string) => ({ vertexes: [{ digest, name, error }] });
    const { failedStep } = read(
      stream(
        vertex('c', 'importing cache manifest from registry.test/shop/cache:web', 'not found'),
        vertex('r', '[2/2] RUN false', 'exit code: 1'),
      ),
      4096,
    );

    assert.equal(failedStep?.name, '[2/2] RUN false');
  });

  it('calls a step cached whose layer then comes from where it was kept', () => {
    const step = { digest: 'r', name: '[2/2] RUN make', completed: '2026-01-01T00:00:01Z' };
    const { events } = read(stream({ vertexes: [{ ...step, cached: true }] }, { vertexes: [step] }), 4096);

    assert.deepEqual(
      events.map((event) => 'state' in event && event.state),
      ['cached'],
    );
  });

  it('survives a line that only looks like an object', () => {
    const { said } = read(Buffer.from('{broken\nWARNING: something\n'), 3);

    assert.deepEqual(said, ['{broken', 'WARNING: something']);
  });
});
