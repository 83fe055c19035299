import assert from 'node:assert/strict';
import type { Outcome } from './builder-surroundings.ts';
import type { BuilderBench } from './builder-workbench.ts';

const mebibyte = 1_048_576;

/** What a build may use, and what it is told to have used, where the engine can hold it to that. */
export function testLimits(bench: BuilderBench): void {
  const { test, planOf, build } = bench;
  const able = async () => (await bench.engine.builder.capabilities()).limits;
  const used = ({ events }: Outcome) => events.findLast((event) => event.type === 'usage')?.usage;

  test('tells what the steps have used, and finds their layers again', async () => {
    const script = `head -c 60000000 /dev/zero | tail -c 50000000 | wc -c; sleep 1.5; echo "proxy <$FTP_PROXY$ftp_proxy>" ${Date.now()}`;
    const files = { Dockerfile: `FROM BASE\nRUN ${script}\n` };

    const outcome = await build(await planOf(files));
    const again = await build(await planOf(files));

    assert.equal(outcome.failure, null);
    assert.ok(outcome.lines.some((line) => line.startsWith('proxy <>')));
    assert.equal(again.digest, outcome.digest);
    assert.ok(
      again.events.some((event) => event.type === 'step' && event.state === 'cached' && /RUN/.test(event.name)),
    );
    if (!(await able())) return assert.equal(used(outcome), undefined);
    assert.ok((used(outcome)?.peakMemoryBytes ?? 0) > 45_000_000);
    assert.ok((used(outcome)?.cpuMs ?? 0) > 0);
    if (bench.engine.measures !== 'steps-and-engine') assert.equal(used(again)?.cpuMs, 0);
  });

  test('ends a step that takes more memory than the build may, and says so', async () => {
    if (!(await able())) return;
    const withEngine = bench.engine.measures === 'steps-and-engine';
    const { limit, near } = withEngine ? { limit: 512, near: 300_000_000 } : { limit: 96, near: 85_000_000 };
    const limits = { memoryBytes: limit * mebibyte, cpus: null };
    const script = `echo ${Date.now()}; { head -c ${near} /dev/zero; sleep 3; cat /dev/zero; } | tail -c 800000000 > /dev/null`;

    const { failure, lines } = await build(await planOf({ Dockerfile: `FROM BASE\nRUN ${script}\n` }, { limits }));

    assert.equal(failure?.code, 'resource_error');
    const ofSteps = /failed with exit code 137 at \[.*2\/2\] RUN .*: out of memory, peak 9\d MiB of 96 MiB/;
    // Where the engine has the same limit, the kernel may end it with the step.
    assert.match(failure.message, withEngine ? /out of memory/ : ofSteps);
    assert.match(failure.hint, /build\.resources\.memory/);
    const warned = withEngine ? /of the \d+ MiB of memory/ : /^warning: the build's steps use \d+ MiB of the 96 MiB/;
    assert.ok(lines.some((line) => warned.test(line)));
  });

  test('gives a build no more of the processor than it may have', async () => {
    if (!(await able())) return;
    const script = `end=$(( $(date +%s) + 4 )); while [ $(date +%s) -lt $end ]; do :; done; echo ${Date.now()}`;

    const began = performance.now();
    const outcome = await build(
      await planOf({ Dockerfile: `FROM BASE\nRUN ${script}\n` }, { limits: { memoryBytes: null, cpus: 0.25 } }),
    );
    const tookMs = bench.engine.measures === 'steps-and-engine' ? performance.now() - began : 4_000;

    assert.equal(outcome.failure, null);
    const cpuMs = used(outcome)?.cpuMs ?? 0;
    assert.ok(cpuMs > 200 && cpuMs < tookMs / 2, `${cpuMs} ms of the processor in ${tookMs} ms`);
  });
}
