import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, get } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { directoryBlobs } from '@eve/adapter-blobs';
import { postgresLogs } from '@eve/adapter-postgres';
import { newId, sampleRun, sampleSpec } from '@eve/adapter-postgres/testing';
import { type BuildRun, buildFailure, type OrganisationId, type ProjectId } from '@eve/domain';
import {
  type Caller,
  createToken,
  type Logs,
  logWriter,
  type NewLogLine,
  type Platform,
  redactor,
} from '@eve/operations';
import { type BenchDatabase, withDatabase } from './database.ts';
import { type Figure, measured, median, quantile } from './figure.ts';
import type { Scene } from './scene.ts';

const manyLines = 1_000_000;
const reads = 60;
const readTarget = 10;

/** The last lines, a page and a step of a log of a million lines, in rows and archived. */
export function logReads(scene: Scene): Promise<Figure[]> {
  return withDatabase(scene.directory, async (place) => {
    const directory = await mkdtemp(join(scene.directory, 'bench-blobs-'));
    try {
      return await readsOf(place, directory);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
}

async function readsOf(place: BenchDatabase, directory: string): Promise<Figure[]> {
  const blobs = directoryBlobs(directory);
  const logs = postgresLogs(place.pool, { notifications: place.notifications, blobs, settleMs: 0 });
  const subject = await endedRun(place, await place.tenant());
  for (let from = 0; from < manyLines; from += 500) await logs.append(subject, lines(from, 500), null);

  const inRows = await timeReads(logs, subject);
  const began = performance.now();
  await logs.archive({ limit: 1, signal: new AbortController().signal });
  const seconds = (performance.now() - began) / 1_000;
  const archived = await timeReads(logs, subject);
  const detail = `p99 of ${reads} reads of a log of ${manyLines.toLocaleString('en')} lines; moving it took ${seconds.toFixed(1)} s`;
  return [...figures('in rows', inRows, 'in the database'), ...figures('archived', archived, detail)];
}

function figures(where: string, times: Record<string, readonly number[]>, detail: string): Figure[] {
  return Object.entries(times).map(([what, values]) => {
    const most = quantile(values, 0.99);
    const name = `log-read ${what} ${where}`;
    const more = `p50 ${median(values).toFixed(1)} ms; ${detail}`;
    return measured({
      name,
      ours: most,
      unit: 'ms',
      target: `≤ ${readTarget} ms`,
      met: most <= readTarget,
      detail: more,
    });
  });
}

async function timeReads(logs: Logs, subject: Parameters<Logs['read']>[0]): Promise<Record<string, readonly number[]>> {
  const ranges: Record<string, () => Parameters<Logs['read']>[1]> = {
    'last 30': () => ({ tail: 30 }),
    page: () => ({ after: Math.floor(Math.random() * (manyLines - 1_000)), limit: 1_000 }),
    step: () => ({ step: `RUN step ${Math.floor(Math.random() * 100)}`, limit: 1_000 }),
  };
  const times: Record<string, readonly number[]> = {};
  for (const [name, range] of Object.entries(ranges)) {
    await logs.read(subject, range());
    const taken: number[] = [];
    for (let read = 0; read < reads; read++) {
      const wanted = range();
      const began = performance.now();
      const { length } = await logs.read(subject, wanted);
      taken.push(performance.now() - began);
      if (length !== (wanted.tail ?? wanted.limit)) throw new Error(`${length} lines were read.`);
    }
    times[name] = taken;
  }
  return times;
}

function lines(from: number, count: number): NewLogLine[] {
  const shared = { at: new Date(), attempt: 1, service: 'web', stream: 'stdout', level: 'info', code: null } as const;
  return Array.from({ length: count }, (_, index) => ({
    ...shared,
    step: `RUN step ${Math.floor((from + index) / 10_000)}`,
    text: `npm http fetch GET 200 https://packages.example/p-${(from + index) * 7919}.tgz 12ms (cache miss) ${from + index}`,
  }));
}

async function endedRun(
  { store }: BenchDatabase,
  { tenantId, projectId }: { tenantId: OrganisationId; projectId: ProjectId },
): Promise<BuildRun> {
  const spec = sampleSpec(await store.projects.get(tenantId, projectId));
  await store.buildSpecs.insertOrGet(spec);
  const failure = buildFailure('build_error', 'It failed.');
  const run = sampleRun(spec, { status: 'failed', failure, startedAt: new Date(), completedAt: new Date() });
  await store.buildRuns.insert(run);
  return run;
}

const ticks = 200;

/** A line given to the writer → seen by followers of the API, which is a process of its own. */
export function logFanout(scene: Scene): Promise<Figure[]> {
  return withDatabase(scene.directory, async (place) => {
    const figures: Figure[] = [];
    for (const followers of [1, 500]) figures.push(...(await fanout(place, followers)));
    return figures;
  });
}

async function fanout(place: BenchDatabase, followers: number): Promise<Figure[]> {
  const { store, queue, notifications, pool } = place;
  const tenant = await place.tenant();
  const spec = sampleSpec(await store.projects.get(tenant.tenantId, tenant.projectId));
  await store.buildSpecs.insertOrGet(spec);
  const run = sampleRun(spec);
  await store.buildRuns.insert(run);
  await store.queue.add({ ...place.item(tenant), id: run.id });
  const { work } = await queue.claim({ worker: 'bench', classes: ['build'], leaseMs: 600_000 });
  if (!work) throw new Error('The work of this bench was not claimed.');
  const platform = { store, now: () => new Date(), newId } as unknown as Platform; // what a token needs
  const owner: Caller = {
    actor: 'bench',
    tenantId: tenant.tenantId,
    scopes: ['admin'],
    projectId: null,
    operator: false,
  };
  const { text: token } = await createToken(platform, owner, { name: 'bench', scopes: ['read'] });

  const server = await startServer(pool.options.connectionString ?? '');
  const ages: number[] = [];
  let ready = 0;
  // Read without the client: 500 of it in one process would be most of what is measured.
  const agent = new Agent({ maxSockets: Number.POSITIVE_INFINITY });
  for (let follower = 0; follower < followers; follower++) {
    const headers = { accept: 'text/event-stream', authorization: `Bearer ${token}` };
    get(`${server.url}/builds/${spec.id}/logs?run_id=${run.id}`, { agent, headers }, (response) => {
      response.setEncoding('latin1').on('error', () => {});
      let rest = '';
      response.on('data', (text: string) => {
        const events = (rest + text).split('\n\n');
        rest = events.pop() ?? '';
        for (const event of events) {
          if (event.startsWith('event: state')) ready++;
          const at = /"message":"(\d+)"/.exec(event)?.[1];
          if (at !== undefined) ages.push(Date.now() - Number(at));
        }
      });
    }).on('error', () => {});
  }
  for (let waited = 0; ready < followers && waited < 30_000; waited += 50) await delay(50);
  const spent = process.cpuUsage();
  const began = performance.now();

  const logs = postgresLogs(pool, { notifications });
  {
    const options = { lease: work.lease, attempt: 1, redact: redactor(['a-secret-value']) };
    await using writer = logWriter({ logs, now: () => new Date() }, run, options);
    for (let tick = 0; tick < ticks; tick++) {
      const at = new Date();
      await writer.print({ service: 'web', step: null, stream: 'stdout', text: String(at.getTime()), at });
      await delay(20);
    }
  }
  for (let waited = 0; ages.length < followers * ticks && waited < 10_000; waited += 50) await delay(50);
  const { user, system } = process.cpuUsage(spent);
  const busy = (user + system) / 10 / (performance.now() - began);
  agent.destroy();
  server.stop();

  const lost = followers * ticks - ages.length;
  const detail = `${ages.length} of ${followers * ticks} lines seen; the writer gathers lines for 5 to 30 ms; this client used ${busy.toFixed(0)} % of a processor`;
  const figure = (name: string, part: number, most: number) => {
    const ours = quantile(ages, part);
    const met = ours <= most && lost === 0;
    return measured({ name: `${name}, ${followers}`, ours, unit: 'ms', target: `≤ ${most} ms`, met, detail });
  };
  return [figure('log-fanout p50', 0.5, 50), figure('log-fanout p99', 0.99, 250)];
}

async function startServer(url: string): Promise<{ url: string; stop(): void }> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  const port = typeof address === 'object' && address ? address.port : 0;
  const program = join(import.meta.dirname, '..', 'protocols', 'rest', 'testing', 'log-server.ts');
  const child = spawn(process.execPath, [program, url, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return { url: `http://127.0.0.1:${port}`, stop: () => void child.kill() };
}
