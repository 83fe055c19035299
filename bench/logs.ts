import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { postgresLogs } from '@eve/adapter-postgres';
import { logWriter } from '@eve/operations';
import { bareBuild, registryConfig } from './bare-build.ts';
import { type BenchDatabase, withDatabase } from './database.ts';
import { type Figure, listed, measured, median, quantile } from './figure.ts';
import { manifest, serviceFiles } from './repository.ts';
import type { Scene } from './scene.ts';

const followers = 50;
const printed = 200;

/** A step that prints the time, every 20 ms. */
const printer = `RUN node -e "let n = 0; const t = setInterval(() => { console.log('tick', Date.now(), n); if (++n === ${printed}) clearInterval(t); }, 20)"`;
const tick = /tick (\d+) (\d+)/;

/** A line that a build prints → seen by each of many followers, against the engine's own output. */
export async function logFollow(scene: Scene): Promise<Figure[]> {
  const { api, credentials } = await scene.eve();
  const project = await scene.project();
  const tools = await scene.buildTools();
  const host = await scene.registryHost();
  const files = serviceFiles(`logs-${Date.now()}`);
  files.Dockerfile = `${files.Dockerfile}${printer}\n`;
  const sha = await project.repository.commit(files);
  const { manifest_hash } = await api.syncManifest(project.id, { yaml: manifest, git_sha: sha });

  const spec = await api.createBuild(project.id, { git_sha: sha, manifest_hash, cache: { disabled: true } });
  const run = await api.startBuildRun(spec.id);
  const seen: number[] = [];
  await Promise.all(
    Array.from({ length: followers }, async () => {
      for await (const event of api.followBuildLogs(spec.id, { runId: run.id })) {
        const at =
          event.type === 'log' && event.line.stream !== 'platform' ? tick.exec(event.line.message)?.[1] : undefined;
        if (at !== undefined) seen.push(Date.now() - Number(at));
      }
    }),
  );

  const configDir = await registryConfig(scene.directory, host, credentials.token);
  const bare: number[] = [];
  const lines = new PassThrough();
  createInterface({ input: lines }).on('line', (line) => bare.push(...latencies(line)));
  const tags = [`${host}/local/bench/web:bare-log`];
  const context = project.repository.directory;
  await bareBuild({ ...tools, context, tags, labels: {}, configDir, noCache: true }, (part) => lines.write(part));
  lines.end();

  const lost = followers * printed - seen.length;
  const [half, most] = [median(seen), quantile(seen, 0.99)];
  const [bareHalf, bareMost] = [median(bare), quantile(bare, 0.99)];
  const detail = `${followers} followers in one process, ${seen.length} of ${followers * printed} lines seen; the engine itself hands lines on in batches; beyond it p50 ${listed([half - bareHalf])} ms, p99 ${listed([most - bareMost])} ms`;
  return [
    measured({
      name: 'log-follow p50',
      ours: half,
      peer: bareHalf,
      unit: 'ms',
      target: '≤ 50 ms',
      met: half <= 50 && lost === 0,
      detail,
    }),
    measured({
      name: 'log-follow p99',
      ours: most,
      peer: bareMost,
      unit: 'ms',
      target: '≤ 250 ms',
      met: most <= 250 && lost === 0,
      detail,
    }),
  ];
}

/** The ages of the ticks in one line of the engine's progress. */
function latencies(line: string): number[] {
  const now = Date.now();
  return [...line.matchAll(/"data":\s*"([A-Za-z0-9+/=]+)"/g)].flatMap(([, data = '']) =>
    Buffer.from(data, 'base64')
      .toString('utf8')
      .split('\n')
      .flatMap((text) => (/^tick/.test(text) ? [now - Number(tick.exec(text)?.[1])] : [])),
  );
}

const flood = 200_000;

/** One writer that prints as fast as it can, against plain inserts of the same text in the same batches. */
export async function logThroughput(scene: Scene): Promise<Figure[]> {
  const { ours, bare, kept } = await withDatabase(scene.directory, throughput);
  const detail = `${flood.toLocaleString('en')} lines of 100 characters, ${kept === flood ? 'none lost' : `${flood - kept} lost`}; peer inserts batches of 500 lines as one text`;
  const met = ours >= 100_000 && kept === flood;
  return [
    measured({ name: 'log-throughput', ours, peer: bare, unit: 'lines/s', target: '≥ 100000 lines/s', met, detail }),
  ];
}

async function throughput(place: BenchDatabase): Promise<{ ours: number; bare: number; kept: number }> {
  const { pool, store, queue, notifications } = place;
  const tenant = await place.tenant();
  const item = place.item(tenant);
  await store.queue.add(item);
  const { work } = await queue.claim({ worker: 'bench', classes: ['build'], leaseMs: 600_000 });
  if (!work) throw new Error('The work of this bench was not claimed.');
  const text = 'x'.repeat(90);
  const at = new Date();

  const logs = postgresLogs(pool, { notifications });
  const began = performance.now();
  {
    const subject = { tenantId: tenant.tenantId, id: item.id };
    const options = { lease: work.lease, attempt: 1, redact: (line: string) => line };
    await using writer = logWriter({ logs, now: () => at }, subject, options);
    for (let line = 0; line < flood; line++) {
      const printedLine = `${text} ${line.toString().padStart(9, '0')}`;
      await writer.print({ service: 'web', step: 'RUN', stream: 'stdout', text: printedLine, at });
    }
    await writer.flush();
  }
  const ours = flood / ((performance.now() - began) / 1_000);
  const { rows } = await pool.query<{ kept: string }>(
    'select sum(count) as kept from log_chunks where subject_id = $1',
    [item.id],
  );

  await pool.query('create table raw_lines (id bigserial, lines text)');
  const bareBegan = performance.now();
  for (let line = 0; line < flood; line += 500) {
    const batch = Array.from({ length: 500 }, (_, index) => `${text} ${(line + index).toString().padStart(9, '0')}`);
    await pool.query({ name: 'raw', text: 'insert into raw_lines (lines) values ($1)', values: [batch.join('\n')] });
  }
  const bare = flood / ((performance.now() - bareBegan) / 1_000);
  return { ours, bare, kept: Number(rows[0]?.kept ?? 0) };
}
