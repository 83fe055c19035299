import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { Lease, Runner, RunnerEvent, RunnerPlan } from '../src/index.ts';

export interface RunnerUnderTest extends AsyncDisposable {
  readonly runner: Runner;
  /** An image with Node in it. */
  readonly image: string;
  /** Set where what runs the containers does not tell their two streams apart. */
  readonly joinsStreams?: boolean;
}

const never = new AbortController().signal;
const lease: Lease = { workId: 'work_01k00000000000000000000000', fence: 2 };

/** What every runner must do, against the real thing. `open` answers with the reason when there is none here. */
export function testRunner(name: string, open: () => Promise<RunnerUnderTest | { missing: string }>): void {
  describe(`the runner ${name}`, { timeout: 120_000 }, () => {
    let opened: RunnerUnderTest | { missing: string } = { missing: 'it was not opened' };
    before(async () => {
      opened = await open();
    });
    after(async () => {
      if (!('missing' in opened)) await opened[Symbol.asyncDispose]();
    });

    type Make = (program: string, more?: Partial<RunnerPlan>) => RunnerPlan;
    const withRunner = (sentence: string, act: (runner: Runner, make: Make) => Promise<void>) =>
      it(sentence, async (test) => {
        if ('missing' in opened) return test.skip(opened.missing);
        const { runner, image } = opened;
        const names: string[] = [];
        const make: Make = (program, more) => {
          const plan = { ...planOf(image, program), ...more };
          names.push(plan.name);
          return plan;
        };
        try {
          await act(runner, make);
        } finally {
          await Promise.all(names.map((each) => runner.stop(each)));
        }
      });

    withRunner('runs to the end, with what was printed and the exit code', async (runner, make) => {
      const program = `console.log('héllo ' + process.env.WHO); console.error('wrong'); process.exitCode = 7`;
      const ref = await runner.ensure(make(program, { environment: { WHO: 'you' } }), lease);

      const events = await followed(runner, ref, null);

      const printed = events.flatMap((event) => (event.type === 'log' ? [`${event.stream} ${event.text}`] : []));
      const joined = !('missing' in opened) && opened.joinsStreams;
      assert.deepEqual(printed.toSorted(), [joined ? 'stdout wrong' : 'stderr wrong', 'stdout héllo you'].toSorted());
      assert.deepEqual(events.at(-1), { type: 'exited', code: 7, outOfMemory: false });
    });

    withRunner('joins long lines, and loses none of many', async (runner, make) => {
      const program = `console.log('x'.repeat(100000)); for (let i = 0; i < 5000; i++) console.log('line ' + i)`;
      const ref = await runner.ensure(make(program), lease);

      const lines = (await followed(runner, ref, null)).flatMap((event) => (event.type === 'log' ? [event.text] : []));

      assert.equal(lines[0]?.length, 100_000);
      assert.deepEqual(
        lines.slice(1),
        Array.from({ length: 5000 }, (_, line) => `line ${line}`),
      );
    });

    withRunner('does the work of one name once, and a later worker goes on after the cursor', async (runner, make) => {
      const plan = make(
        `let n = 0; const t = setInterval(() => { console.log('n' + n++); if (n === 6) clearInterval(t) }, 100)`,
      );
      const first = await runner.ensure(plan, lease);
      const seen: RunnerEvent[] = [];
      for await (const event of runner.follow(first, null, never)) if (seen.push(event) === 3) break;
      const last = seen.at(-1);
      const cursor = (last?.type === 'log' && last.cursor) || null;

      const second = await runner.ensure(plan, { ...lease, fence: 3 });
      const rest = await followed(runner, second, cursor);

      const lines = [...seen, ...rest].flatMap((event) => (event.type === 'log' ? [event.text] : []));
      assert.deepEqual(lines, ['n0', 'n1', 'n2', 'n3', 'n4', 'n5']);
      await assert.rejects(runner.ensure(plan, { ...lease, fence: 1 }), { code: 'lease_lost' });
    });

    withRunner(
      'runs once although it is asked again after its end, and tells all of it again',
      async (runner, make) => {
        const plan = make(`console.log('at ' + process.hrtime.bigint()); process.exitCode = 4`);
        const first = await followed(runner, await runner.ensure(plan, lease), null);

        const again = await followed(runner, await runner.ensure(plan, { ...lease, fence: 3 }), null);
        const [line] = first;
        const rest = await followed(runner, plan.name, (line?.type === 'log' && line.cursor) || null);

        assert.deepEqual(again, first);
        assert.deepEqual(rest, [{ type: 'exited', code: 4, outOfMemory: false }]);
      },
    );

    withRunner('ends with the number of a missing program', async (runner, make) => {
      const plan = make('', { command: ['/no/such/program'] });

      const [said, end] = await followed(runner, await runner.ensure(plan, lease), null);
      const again = await followed(runner, await runner.ensure(plan, lease), null);
      const rest = await followed(runner, plan.name, (said?.type === 'log' && said.cursor) || null);

      assert.deepEqual(rest, [end]);
      assert.ok(said?.type === 'log' && /no\/such\/program/.test(said.text), JSON.stringify(said));
      assert.deepEqual(end, { type: 'exited', code: 127, outOfMemory: false });
      assert.deepEqual(again.at(-1), end);
    });

    withRunner('refuses an image that nobody has', async (runner, make) => {
      const plan = make('', { image: `sha256:${'0'.repeat(64)}` });

      await assert.rejects(runner.ensure(plan, lease), { code: 'image_unknown' });
    });

    withRunner('runs with the entrypoint, user and directory that it is given', async (runner, make) => {
      const given = { entrypoint: ['/bin/sh', '-c'], command: ['id -un; pwd'], user: 'nobody', workingDir: '/tmp' };

      const events = await followed(runner, await runner.ensure(make('', given), lease), null);

      assert.deepEqual(
        events.flatMap((event) => (event.type === 'log' ? [event.text] : [])),
        ['nobody', '/tmp'],
      );
    });

    withRunner('says that the memory ran out', async (runner, make) => {
      const limits = { memoryBytes: 64 * 1024 * 1024, cpus: 1 };
      const program = 'const held = []; for (;;) held.push(Buffer.alloc(8 << 20, 1))';
      const ref = await runner.ensure(make(program, { limits }), lease);

      const last = (await followed(runner, ref, null)).at(-1);

      assert.deepEqual(last, { type: 'exited', code: 137, outOfMemory: true });
    });

    withRunner('stops what does not end by itself, and forgets it', async (runner, make) => {
      const ref = await runner.ensure(make(`process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)`), lease);
      assert.ok((await runner.list()).includes(ref));

      await runner.stop(ref);
      await runner.stop(ref);

      assert.ok(!(await runner.list()).includes(ref));
    });

    withRunner('ends to follow with its signal', async (runner, make) => {
      const ref = await runner.ensure(make('setInterval(() => {}, 1000)'), lease);

      await assert.rejects(followed(runner, ref, null, AbortSignal.timeout(300)));
    });
  });
}

function planOf(image: string, program: string): RunnerPlan {
  return {
    name: `evetest-run-${randomInt(1e9)}`,
    image,
    command: ['node', '-e', program],
    environment: {},
    place: null,
    login: null,
    limits: { memoryBytes: null, cpus: null },
  };
}

async function followed(runner: Runner, ref: string, cursor: string | null, signal = never): Promise<RunnerEvent[]> {
  const events: RunnerEvent[] = [];
  for await (const event of runner.follow(ref, cursor, signal)) events.push(event);
  return events;
}
