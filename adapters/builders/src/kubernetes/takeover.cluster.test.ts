import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { kinds } from '@eve/adapter-kubernetes';
import type { ImageBuildPlan } from '@eve/operations';
import { lease } from '../../../../operations/testing/builder-workbench.ts';
import type { BuildingProcess } from '../../testing/building-process.ts';
import { describeInCluster } from '../../testing/cluster-bench.ts';

interface Told {
  readonly type: string;
  readonly text?: string;
}

describeInCluster('a build whose worker is lost', (bench) => {
  const { test, planOf, follow } = bench;
  const isProgress = ({ type }: Told) => type === 'step' || type === 'log';
  const asSent = (events: readonly object[]): unknown => JSON.parse(JSON.stringify(events));
  const jobs = () => bench.place.cluster.list(kinds.Job, { namespace: bench.place.options.namespace });

  /** Starts a worker, and kills it without a warning after the nth of what it is told that counts. */
  async function killedAfter(plan: ImageBuildPlan, n: number, counts: (event: Told) => boolean): Promise<Told[]> {
    const { cluster: _, ...options } = bench.place.options;
    const { kubeconfig } = bench.place.test;
    const setup: BuildingProcess = {
      kubeconfig,
      options: { ...options, workDir: join(bench.directory, 'killed') },
      plan,
    };
    const program = new URL('../../testing/building-process.ts', import.meta.url).pathname;
    const child = spawn(process.execPath, [program, JSON.stringify(setup)], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    const told: Told[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      told.push(JSON.parse(line));
      if (told.filter(counts).length === n) break;
    }
    child.kill('SIGKILL');
    await ended;
    return told;
  }

  test('goes on, and the next one follows from where that one was: nothing is lost, nothing twice', async () => {
    const plan = await planOf(`for n in $(seq 1 60); do echo line $n ${Date.now()}; sleep 0.1; done`);
    const first = (await killedAfter(plan, 20, ({ type }) => type === 'log')).filter(isProgress);

    const builder = bench.builder();
    assert.equal(await builder.ensure(plan, lease), plan.name);
    const made = await jobs();
    const rest = await follow(builder, plan, String(first.length));
    const whole = await follow(builder, plan);
    await builder.stop(plan.name);

    assert.equal(made.length, 1);
    assert.equal(rest.at(-1)?.type, 'pushed');
    const both: Told[] = [...first, ...rest.filter(isProgress)];
    const numbers = both.flatMap(({ text }) => /^line (\d+) /.exec(text ?? '')?.[1] ?? []).map(Number);
    assert.deepEqual(
      numbers,
      Array.from({ length: 60 }, (_, index) => index + 1),
    );
    // Also when its pod has ended and only the kubelet has its output.
    assert.deepEqual(asSent(whole.filter(isProgress)), asSent(both));
    assert.deepEqual(await builder.list(), []);
  });

  test('gets its source from the next one when the first had not sent it', async () => {
    const plan = await planOf(`echo ${Date.now()}`);
    await killedAfter(plan, 1, ({ type }) => type === 'ensured');

    const builder = bench.builder();
    await builder.ensure(plan, lease);
    const events = await follow(builder, plan);
    await builder.stop(plan.name);

    assert.equal(events.at(-1)?.type, 'pushed');
  });

  test('is one however many ask for it at once', async () => {
    const plan = await planOf(`echo ${Date.now()}; sleep 1`);
    const builders = [1, 2, 3].map(() => bench.builder());

    await Promise.all(builders.map((builder) => builder.ensure(plan, lease)));
    const told = await Promise.all(builders.map((builder) => follow(builder, plan)));
    const made = await jobs();
    await Promise.all(builders.map((builder) => builder.stop(plan.name)));

    assert.equal(made.length, 1);
    assert.equal(new Set(told.map((events) => JSON.stringify(events.filter(isProgress)))).size, 1);
    const { namespace } = bench.place.options;
    assert.deepEqual(await bench.place.cluster.list(kinds.Pod, { namespace }), []);
  });
});
