import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startProgram } from '@eve/adapter-process';
import { testEngine } from '@eve/adapter-process/testing';
import { testBuilder } from '../../../../operations/testing/builder-contract.ts';
import { underTest } from '../../testing/under-test.ts';
import { daemonsAt } from '../client/daemon-target.ts';
import { buildxBuilder } from './builder.ts';

testBuilder('buildx on a Docker engine', async () => {
  const engine = await testEngine();
  if ('missing' in engine) return engine;
  return underTest(({ workDir }) => buildxBuilder({ ...engine, workDir }));
});

it('a build dies with its worker, and so does what it runs in the engine', async (context) => {
  const engine = await testEngine();
  if ('missing' in engine) return context.skip(engine.missing);
  const directory = await mkdtemp(join(tmpdir(), 'eve-buildx-'));
  const marker = `8${process.pid}.5`;
  await writeFile(join(directory, 'Dockerfile'), `FROM debian:12-slim\nRUN sleep ${marker}\n`);
  const plan = {
    ...{ name: 'plan', runId: 'brun_1', service: 'web', sourceDir: directory, context: '.', dockerfile: 'Dockerfile' },
    ...{ target: null, args: {}, labels: {}, platforms: [], tags: ['127.0.0.1:9/a:1'], secrets: [], logins: [] },
    ...{ sourceDateEpoch: null, noCache: false, limits: {}, output: 'push' },
    ...{ dockerfileText: null, cacheFrom: [], cacheTo: [], provenance: false, sbomScanner: null },
  };
  const options = { ...engine, workDir: join(directory, 'work') };
  const script = `
    const { buildxBuilder } = await import(${JSON.stringify(new URL('./builder.ts', import.meta.url).href)});
    const builder = buildxBuilder(${JSON.stringify(options)});
    const ref = await builder.ensure(${JSON.stringify(plan)}, null);
    for await (const event of builder.follow(ref, null, new AbortController().signal));`;
  const worker = await startProgram({ file: process.execPath, args: ['--input-type=module', '-e', script] });
  worker.stdout.resume();
  worker.stderr.pipe(process.stderr);
  for (let tries = 0; tries < 200 && !(await runs(`sleep\0${marker}`)); tries += 1) await sleep(50);
  assert.equal(await runs(`sleep\0${marker}`), true);

  process.kill(worker.pid, 'SIGKILL');

  for (let tries = 0; tries < 60 && (await runs(marker)); tries += 1) await sleep(50);
  assert.equal(await runs(`sleep\0${marker}`), false);
  assert.equal(await runs(options.workDir), false);
  await rm(directory, { recursive: true });
});

for (const [title, more] of [
  ['the engine is away', { dockerHost: 'unix:///nowhere/docker.sock' }],
  ['the BuildKit daemon is away', { daemons: daemonsAt('unix:///nowhere/buildkit.sock') }],
  ['the program is missing', { buildx: '/nowhere/docker-buildx' }],
] as const)
  it(`says that ${title}`, async (context) => {
    const engine = await testEngine();
    if ('missing' in engine) return context.skip(engine.missing);
    const workDir = await mkdtemp(join(tmpdir(), 'eve-buildx-'));

    await assert.rejects(buildxBuilder({ ...engine, workDir, ...more }).capabilities(), { code: 'engine_unavailable' });

    assert.deepEqual(await readdir(workDir), []);
    await rm(workDir, { recursive: true });
  });

async function runs(text: string): Promise<boolean> {
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    if ((await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')).includes(text)) return true;
  }
  return false;
}
