import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BuildRun } from '@eve/domain';
import { eachOnSampleProject, type SampleProject, type TestPlatform } from '../../testing/index.ts';
import { survivingBuild } from './surviving-build.ts';

let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject((scene) => {
  ({ test, shop } = scene);
});

const lines = ['one', 'two', 'three'];

async function killedInBuild(): Promise<BuildRun> {
  for (const service of ['web', 'jobs']) test.builder.script[service] = { lines };
  const { run } = await shop.build(await shop.commit());
  await test.killAt('build', 'in-build');
  return run;
}

async function printed(run: BuildRun): Promise<string[]> {
  const all = await test.platform.logs.read(run, {});
  return all.flatMap(({ service, stream, text }) => (stream === 'platform' ? [] : [`${service} ${text}`])).toSorted();
}

const everyLine = ['web', 'jobs'].flatMap((service) => lines.map((line) => `${service} ${line}`)).toSorted();

describe('a build that survives its worker', () => {
  it('is followed on as the same attempt, and every line stands there once', async () => {
    Object.assign(test.builder, { survives: true });
    const run = await killedInBuild();

    await test.work();

    const ended = await test.platform.store.buildRuns.get(run.tenantId, run.id);
    assert.deepEqual([ended.status, ended.attempt], ['completed', 1]);
    assert.deepEqual(test.builder.plans.map(({ service }) => service).toSorted(), ['jobs', 'web']);
    assert.deepEqual(await printed(run), everyLine);
    assert.equal(test.builder.running.size, 0);
  });

  it('is begun anew as the next attempt when the engine has lost it', async () => {
    Object.assign(test.builder, { survives: true });
    const run = await killedInBuild();
    test.builder.running.clear();

    await test.work();

    const ended = await test.platform.store.buildRuns.get(run.tenantId, run.id);
    assert.deepEqual([ended.status, ended.attempt], ['completed', 2]);
  });

  it('is stopped when somebody cancels it, whoever follows it then', async () => {
    Object.assign(test.builder, { survives: true });
    const run = await killedInBuild();
    const { tenantId, id } = run;
    for (const service of ['web', 'jobs']) test.builder.script[service] = { lines, hang: true };
    await test.db.pool.query(`update build_runs set cancel_requested_at = now() where id = $1`, [id]);

    await test.work();

    const ended = await test.platform.store.buildRuns.get(tenantId, id);
    assert.equal(ended.status, 'cancelled');
    assert.equal(test.builder.running.size, 0);
  });
});

it('a build that is lost is not taken for another one whose name begins like its own', async () => {
  const run = await killedInBuild();
  const name = `${run.id}-1-web`;
  const found = { ...run, status: 'building', phase: 'building', runnerRef: `${name},${name}-admin` } as const;
  const builder = { ...test.builder, survives: true };
  const logs = { ...test.platform.logs, cursor: async () => JSON.stringify({ [name]: 2 }) };
  const survives = (...refs: string[]) => {
    const builders = { [run.backend]: { ...builder, list: async () => refs } };
    return survivingBuild({ builders, logs }, found);
  };

  assert.equal(await survives(`${name}-admin`), null);
  assert.ok(await survives(name, `${name}-admin`));
  assert.ok(await survives(`${name}--test`), 'its tests run before it');
  assert.equal(await survives(`${name}-test`), null);
});

describe('a build that ends with its worker', () => {
  it('is stopped and begun anew', async () => {
    const run = await killedInBuild();

    await test.work();

    const ended = await test.platform.store.buildRuns.get(run.tenantId, run.id);
    assert.deepEqual([ended.status, ended.attempt], ['completed', 2]);
  });
});
