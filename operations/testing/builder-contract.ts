import assert from 'node:assert/strict';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BuildEvent } from '@eve/operations';
import { testFailureCauses } from './builder-failure-contract.ts';
import { testImages } from './builder-image-contract.ts';
import { testLimits } from './builder-limits-contract.ts';
import { digestOf, processesWith, statesOf } from './builder-surroundings.ts';
import { type BuilderBench, type BuilderUnderTest, describeBuilder, lease } from './builder-workbench.ts';

/**
 * What every engine must do, against the real one. `open` answers with the reason when there is none here. Where each build starts an
 * engine of its own all of it takes longer.
 */
export function testBuilder(
  name: string,
  open: () => Promise<BuilderUnderTest | { missing: string }>,
  timeoutMs?: number,
): void {
  const tests = (bench: BuilderBench) => {
    const { test, planOf, build } = bench;
    test('says its version and platforms', async () => {
      const capabilities = await bench.engine.builder.capabilities();

      assert.match(capabilities.version, /^\d+\.\d+/);
      assert.ok(capabilities.platforms.length > 0);
    });

    test('pushes an image under every tag and tells the digest that the registry holds', async () => {
      const word = `a b=c ${Date.now()}`;
      const tags = ['a', 'b'].map((tag) => `${bench.engine.registryHost}/contract/tags:${tag}`);
      const plan = await planOf(
        { 'app/Containerfile': 'FROM BASE AS one\nARG WORD\nRUN echo "word is $WORD"\nFROM one AS two\nRUN exit 9\n' },
        {
          context: 'app',
          dockerfile: 'app/Containerfile',
          target: 'one',
          args: { WORD: word },
          labels: { 'org.example.word': 'x y' },
          tags,
          sourceDateEpoch: 1_700_000_000,
        },
      );

      const { digest, failure, lines } = await build(plan);

      assert.equal(failure, null);
      assert.ok(lines.includes(`word is ${word}`));
      for (const tag of tags) assert.equal(await digestOf(tag), digest);
      assert.deepEqual(await bench.engine.builder.list(), []);
    });

    test('tells steps with their states, and their logs as whole lines', async () => {
      const script = `printf 'half'; sleep 0.3; printf ' done\\n'; printf '10%%\\r100%%\\r\\n'; echo problem >&2; printf 'no end ${Date.now()}'`;
      const plan = await planOf({ Dockerfile: `FROM BASE AS main\nRUN ${script}\n` });

      const first = await build(plan);
      const second = await build({ ...plan, name: `${plan.name}-again` });

      const step = /^\[(?:main )?2\/2\] RUN printf 'half'/;
      const logs = first.events.filter((event) => event.type === 'log' && step.test(event.step ?? ''));
      const texts = (stream: string) =>
        logs.flatMap((log) => ('text' in log && log.stream === stream ? [log.text] : []));
      assert.deepEqual(texts('stdout').slice(0, 2), ['half done', '100%']);
      assert.match(texts('stdout')[2] ?? '', /^no end \d+$/);
      assert.deepEqual(texts('stderr'), ['problem']);
      assert.deepEqual(statesOf(first, step), ['started', 'done']);
      assert.deepEqual(statesOf(second, step).at(-1), 'cached');
      assert.equal(second.digest, first.digest);
    });

    test('names the failing step, its exit code and its last lines, whatever words it printed', async () => {
      const script = 'seq 1 50; echo "401 unauthorized: timeout"; exit 7';
      const plan = await planOf({
        Dockerfile: `FROM BASE AS deps\nRUN true\nRUN ${script}\nFROM BASE\nCOPY --from=deps /etc/hostname /x\n`,
      });

      const { failure, digest } = await build(plan);

      assert.equal(digest, null);
      assert.equal(failure?.code, 'build_error');
      assert.match(failure.message, /failed with exit code 7 at \[deps 3\/3\] RUN seq 1 50/);
      assert.match(failure.step ?? '', /^\[deps 3\/3\] RUN seq/);
      assert.equal(failure.tail.length, 30);
      assert.ok(failure.tail.includes('401 unauthorized: timeout'));
      assert.equal(failure.service, 'web');
    });

    test('calls a full disk a lack of resources', async () => {
      const plan = await planOf({
        Dockerfile: `FROM BASE\nRUN dd if=/dev/zero of=/dev/shm/full-${process.pid} bs=1M count=200\n`,
      });

      const { failure } = await build(plan);

      assert.equal(failure?.code, 'resource_error');
    });

    test('says what is wrong with a Dockerfile', async () => {
      const unknown = await build(await planOf({ Dockerfile: 'FROM BASE\nRUNN echo\n' }));
      const absent = await build(await planOf({}));
      const copied = await build(await planOf({ Dockerfile: 'FROM BASE\nCOPY nothing /\n' }));
      const staged = await build(await planOf({ Dockerfile: 'FROM BASE\n' }, { target: 'nowhere' }));

      assert.deepEqual(
        [unknown, absent, copied, staged].map(({ failure }) => failure?.code),
        ['build_error', 'build_error', 'build_error', 'build_error'],
      );
      assert.match(unknown.failure?.message ?? '', /line 2: unknown instruction: RUNN/);
      assert.match(absent.failure?.message ?? '', /Dockerfile/);
      assert.match(copied.failure?.message ?? '', /COPY nothing/);
      assert.match(staged.failure?.message ?? '', /nowhere/);
    });

    test('refuses a context or Dockerfile that leads out of the source', async () => {
      const plan = await planOf({ Dockerfile: 'FROM BASE\n' });
      await symlink('/etc', join(plan.sourceDir, 'out'));
      await symlink('/etc/hostname', join(plan.sourceDir, 'Outfile'));

      for (const more of [{ context: 'out' }, { dockerfile: 'Outfile' }, { context: '../..' }]) {
        const { failure } = await build({ ...plan, ...more });
        assert.equal(failure?.code, 'build_error');
        assert.match(failure.message, /leads out of the repository/);
      }
    });

    test('tells a base image that does not exist from a registry that is away', async () => {
      const unknown = await build(
        await planOf({ Dockerfile: `FROM ${bench.engine.registryHost}/no/such:1\nRUN true\n` }),
      );
      const away = await build(await planOf({ Dockerfile: `FROM 127.0.0.1:9/no/such:1\nRUN true\n` }));

      assert.equal(unknown.failure?.code, 'build_error');
      assert.match(unknown.failure.message, /base image .* does not exist/);
      assert.equal(away.failure?.code, 'registry_error');
    });

    test('shows a login to the registry that asks for one', async () => {
      const { host, username, password } = bench.engine.closedRegistry;
      const tags = [`${host}/contract/closed:1`];
      const files = { Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' };

      const open = await build(await planOf(files, { tags, logins: [{ host, username, password }] }));
      const wrong = await build(await planOf(files, { tags, logins: [{ host, username, password: 'wrong' }] }));
      const none = await build(await planOf(files, { tags }));

      assert.match(open.digest ?? '', /^sha256:/);
      assert.deepEqual([wrong.failure?.code, none.failure?.code], ['auth_error', 'auth_error']);
    });

    test('says that the registry is away', async () => {
      const files = { Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' };

      const { failure } = await build(await planOf(files, { tags: ['127.0.0.1:9/a/b:1'] }));

      assert.equal(failure?.code, 'registry_error');
      assert.equal(failure.retryHelps, true);
    });

    test('hands a secret to the step that mounts it and to nothing else', async () => {
      const value = 'hunter-7f3a"\nsecond line';
      const script = 'cat /run/secrets/KEY | wc -c; sleep 1';
      const plan = await planOf(
        { Dockerfile: `FROM BASE\nRUN --mount=type=secret,id=KEY,required=true ${script}\n` },
        { secrets: [{ id: 'KEY', value }], noCache: true },
      );

      const running = build(plan);
      await sleep(700);
      const seen = await processesWith('hunter-7f3a');
      const { failure, lines } = await running;

      assert.equal(failure, null);
      assert.ok(lines.includes(String(value.length)));
      assert.deepEqual(seen, []);
    });

    test('does the work of one name once', async () => {
      const plan = await planOf({ Dockerfile: `FROM BASE\nRUN echo once ${Date.now()}; sleep 0.5\n` });

      const refs = await Promise.all([
        bench.engine.builder.ensure(plan, lease),
        bench.engine.builder.ensure(plan, lease),
      ]);
      const listed = await bench.engine.builder.list();
      const { digest } = await build(plan);

      assert.equal(refs[0], refs[1]);
      assert.deepEqual(listed, [refs[0]]);
      assert.notEqual(digest, null);
    });

    test('goes on when a follower leaves, and tells the next one the rest', async () => {
      const plan = await planOf({ Dockerfile: `FROM BASE\nRUN echo ${Date.now()}; sleep 1.5; echo finished\n` });
      const reason = new Error('left');

      await assert.rejects(build(plan, AbortSignal.timeout(700)), { name: 'TimeoutError' });
      await assert.rejects(build(plan, AbortSignal.abort(reason)), reason);
      const { digest, lines } = await build(plan);

      assert.notEqual(digest, null);
      assert.ok(lines.includes('finished'));
    });

    test('leaves nothing running after a stop', async () => {
      const marker = `9${process.pid}.5`;
      const plan = await planOf({ Dockerfile: `FROM BASE\nRUN trap "" TERM; sleep ${marker}; sleep ${marker}\n` });
      const running = build(plan);
      for (let tries = 0; tries < 600 && !(await processesWith(`sleep\0${marker}`)).length; tries += 1) await sleep(50);
      assert.notDeepEqual(await processesWith(`sleep\0${marker}`), []);

      const began = performance.now();
      await bench.engine.builder.stop(plan.name);
      await bench.engine.builder.stop(plan.name);

      for (let tries = 0; tries < 40 && (await processesWith(marker)).length; tries += 1) await sleep(50);
      assert.deepEqual(await processesWith(marker), []);
      const tookMs = performance.now() - began;
      assert.ok(tookMs < (bench.engine.stopMs ?? 2_000), `${tookMs} ms`);
      assert.equal((await running).failure?.code, 'infrastructure_error');
      assert.deepEqual(await bench.engine.builder.list(), []);
    });

    test('says of a runner that is gone that the builder was lost', async () => {
      const events: BuildEvent[] = [];
      const { signal } = new AbortController();
      for await (const event of bench.engine.builder.follow('plan-of-long-ago', null, signal)) events.push(event);

      assert.equal(events.length, 1);
      assert.ok(events[0]?.type === 'failed' && events[0].failure.code === 'infrastructure_error');
    });

    test('refuses at once what it cannot do', async () => {
      const plan = await planOf({ Dockerfile: 'FROM BASE\n' }, { platforms: ['plan9/mips'] });

      await assert.rejects(bench.engine.builder.ensure(plan, lease), { code: 'engine_capability_missing' });
    });

    testImages(bench);
    testFailureCauses(bench);
    testLimits(bench);
  };
  describeBuilder(name, open, tests, timeoutMs);
}
