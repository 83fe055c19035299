import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startEmbeddedPostgres } from '@eve/adapter-postgres';
import { freePort } from '@eve/adapter-process/testing';
import type { EveClient } from '@eve/protocol-rest/client';
import type { BuildRun, BuildSpec, LogEntry } from '@eve/protocol-rest/contract';
import { repositoryWith } from '../../apps/cli/testing/repository.ts';
import { processesWith } from '../../operations/testing/builder-surroundings.ts';
import { type Installation, installation, type StartedEve } from '../journeys/installation.ts';
import { testEngine } from './test-engine.ts';
import { allEvents, until } from './until.ts';

const points = ['after-claim', 'in-clone', 'in-build', 'after-push', 'before-complete'] as const;
const leaseSeconds = 4;
const manifest = 'services:\n  web:\n    build: .\n  jobs:\n    build: .\n';
const quiet = { info() {}, warn() {}, error() {} };

/** Prints a line every tenth of a second, so that there is something to lose. */
const dockerfile = (seconds: number, marker: string) =>
  `FROM debian:12-slim\nRUN for i in $(seq 1 ${seconds * 10}); do echo "${marker} line $i"; sleep 0.1; done\n`;

describe('a build', () => {
  let eve: Installation;
  let started: StartedEve;

  before(async () => {
    eve = await installation({ ...testEngine, EVE_LEASE_SECONDS: String(leaseSeconds) });
  });
  after(() => eve?.[Symbol.asyncDispose]());
  afterEach(() => started?.interrupt());
  const start = async (failpoint?: string) => {
    if (failpoint) eve.variables.EVE_FAILPOINT = failpoint;
    else delete eve.variables.EVE_FAILPOINT;
    started = await eve.start('Eve is ready', '--no-example');
    return eve.client();
  };

  for (const point of points) {
    it(`whose worker is killed ${point} is carried out once and loses no line`, async () => {
      const marker = `${point}-${process.pid}`;
      let client = await start(point);
      const spec = await buildOf(client, join(eve.dataDir, 'cases', point), point, dockerfile(2, marker));
      const run = await client.startBuildRun(spec.id);
      const seen = await linesUntilGone(client, run);
      await started.gone();

      client = await start();
      const ended = await endOf(client, run);

      assert.equal(ended.status, 'completed', JSON.stringify(ended.error));
      await checkOutcome(client, spec, ended, seen);
      assert.deepEqual(await processesWith(marker), []);
    });
  }

  it('whose worker stands still for twice its lease ends once', async () => {
    const client = await start();
    const marker = `stopped-${process.pid}`;
    const spec = await buildOf(client, join(eve.dataDir, 'cases', 'stopped'), 'stopped', dockerfile(4, marker));
    const run = await client.startBuildRun(spec.id);
    await until(async () => (await client.getBuildRun(spec.id, run.id)).phase === 'building');
    const seen = (await client.buildLogs(spec.id, { run_id: run.id })).logs;
    const [pid = ''] = (await readFile(join(eve.dataDir, 'lock'), 'utf8')).split(' ');

    process.kill(Number(pid), 'SIGSTOP');
    await sleep(2 * leaseSeconds * 1000);
    process.kill(Number(pid), 'SIGCONT');
    const ended = await endOf(client, run);

    assert.equal(ended.status, 'completed', JSON.stringify(ended.error));
    await checkOutcome(client, spec, ended, seen);
    assert.deepEqual(await processesWith(marker), []);
  });
});

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

/** A project with one commit of two services, and its build. */
async function buildOf(client: EveClient, directory: string, name: string, text: string): Promise<BuildSpec> {
  const sha = await repositoryWith(directory, { Dockerfile: text, '.eve/manifest.yaml': manifest });
  const project = await client.createProject({ name, repo_url: directory, branch: 'main' });
  const synced = await client.syncManifest(project.id, { yaml: manifest, git_sha: sha });
  return client.createBuild(project.id, { git_sha: sha, manifest_hash: synced.manifest_hash });
}

/** Every line that was acknowledged to a reader before the server went away. */
async function linesUntilGone(client: EveClient, run: BuildRun): Promise<readonly LogEntry[]> {
  let seen: readonly LogEntry[] = [];
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(20)) {
    try {
      seen = (await client.buildLogs(run.build_id, { run_id: run.id, after: 0, limit: 1000 })).logs;
    } catch {
      return seen;
    }
  }
  return assert.fail('The failpoint was not reached.');
}

async function endOf(client: EveClient, run: BuildRun): Promise<BuildRun> {
  let now = run;
  await until(async () => {
    now = await client.getBuildRun(run.build_id, run.id).catch(() => now);
    return now.completed_at !== null;
  });
  return now;
}

/** One final state, one image per service, and a log without gaps that begins with what was seen before. */
async function checkOutcome(
  client: EveClient,
  spec: BuildSpec,
  run: BuildRun,
  seen: readonly LogEntry[],
): Promise<void> {
  const finals = (await allEvents(client)).filter(
    ({ subject_id: id, to }) => id === run.id && ['completed', 'failed', 'cancelled'].includes(to),
  );
  assert.equal(finals.length, 1);
  const { data: artifacts } = await client.listBuildArtifacts(spec.id, { run_id: run.id });
  assert.deepEqual(artifacts.map(({ service_name: name }) => name).sort(), ['jobs', 'web']);
  const { logs } = await client.buildLogs(spec.id, { run_id: run.id, after: 0, limit: 1000 });
  assert.deepEqual(
    logs.map(({ sequence }) => sequence),
    logs.map((_, index) => index + 1),
  );
  assert.deepEqual(logs.slice(0, seen.length), seen);
}

async function allLines(client: EveClient, run: BuildRun): Promise<string[]> {
  const lines: string[] = [];
  for (let after = 0; ; ) {
    const { logs } = await client.buildLogs(run.build_id, { run_id: run.id, after, limit: 1000 });
    lines.push(...logs.map(({ line }) => String(Reflect.get(line, 'message'))));
    const last = logs.at(-1);
    if (!last) return lines;
    after = last.sequence;
  }
}
