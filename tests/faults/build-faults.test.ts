import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startEmbeddedPostgres } from '@eve/adapter-postgres';
import { freePort } from '@eve/adapter-process/testing';
import { dockerGround } from '../journeys/ground.ts';
import { type Installation, installation, type StartedEve } from '../journeys/installation.ts';
import { testKilledBuilds } from './killed-builds.ts';
import { allLines, buildOf, checkOutcome, dockerfile, endOf } from './slow-builds.ts';
import { testEngine } from './test-engine.ts';
import { until } from './until.ts';

const quiet = { info() {}, warn() {}, error() {} };

testKilledBuilds(dockerGround);

describe('a build whose database is away for 30 s', () => {
  let eve: Installation;
  let started: StartedEve;
  let directory: string;
  let postgres: Awaited<ReturnType<typeof startEmbeddedPostgres>>;

  before(async () => {
    directory = await realpath(await mkdtemp(join(tmpdir(), 'eve-outage-')));
    // The server gives up root's rights and must get to its files.
    await chmod(directory, 0o755);
    const port = await freePort();
    await mkdir(join(directory, 'data'), { recursive: true });
    const options = { dataDir: join(directory, 'data'), port, log: quiet };
    postgres = await startEmbeddedPostgres(options);
    eve = await installation({ DATABASE_URL: postgres.url, ...testEngine });
    started = await eve.start('Eve is ready', '--no-example');
  });
  after(async () => {
    await started?.interrupt();
    await eve?.[Symbol.asyncDispose]();
    await postgres?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it('goes on, is not done twice, and every line is there', async () => {
    const client = await eve.client();
    const marker = `outage-${process.pid}`;
    const spec = await buildOf(client, join(eve.dataDir, 'cases', 'outage'), 'outage', dockerfile(45, marker));
    const run = await client.startBuildRun(spec.id);
    await until(async () => JSON.stringify((await client.buildLogs(spec.id, { tail: 5 })).logs).includes(marker));
    const seen = (await client.buildLogs(spec.id, { run_id: run.id })).logs;

    await postgres.stop();
    await sleep(30_000);
    postgres = await startEmbeddedPostgres({
      dataDir: join(directory, 'data'),
      port: Number(new URL(postgres.url).port),
      log: quiet,
    });
    const ended = await endOf(client, run);

    assert.equal(ended.status, 'completed', JSON.stringify(ended.error));
    assert.equal(ended.attempt, 1);
    await checkOutcome(client, spec, ended, seen);
    const all = await allLines(client, run);
    for (const service of ['web', 'jobs']) {
      const numbers = all
        .filter((line) => line.includes(`[${service}] `) || line.startsWith(`${service} `))
        .flatMap((line) => new RegExp(`${marker} line (\\d+)$`).exec(line)?.[1] ?? [])
        .map(Number);
      assert.deepEqual(numbers, [...new Set(numbers)], `no line of ${service} is doubled or out of order`);
    }
    const told = all.flatMap((line) => new RegExp(`${marker} line (\\d+)$`).exec(line)?.[1] ?? []);
    assert.equal(new Set(told).size, 450, 'every line of the step is there');
  });
});
