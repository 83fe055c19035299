import { parseArgs } from 'node:util';
import { readConfig } from '@eve/server';
import { apiRead } from './api-read.ts';
import { buildCached, buildCold, buildReuse } from './builds.ts';
import { clusterDeploy, clusterFailure, clusterRequests } from './cluster.ts';
import { composeUp } from './compose.ts';
import { deploySwitch, rollback } from './deploys.ts';
import { type Figure, sentence, unmeasured } from './figure.ts';
import { jobBuilder } from './job-builder.ts';
import { list } from './list.ts';
import { logFanout, logReads } from './log-reads.ts';
import { logFollow, logThroughput } from './logs.ts';
import { plan } from './plan.ts';
import { claim, pickup } from './queue.ts';
import { workerScaling } from './scaling.ts';
import { openScene, type Scene } from './scene.ts';
import { memory, start } from './start.ts';
import { cancelSignal, fairness, takeover } from './workers.ts';
import { noFailedRequests } from './zero-downtime.ts';

/** A bench, and what its figures are in case it cannot be run. */
interface Bench {
  readonly run: (scene: Scene) => Promise<Figure[]>;
  readonly unit: string;
  readonly target: string;
}

const benches: Readonly<Record<string, Bench>> = {
  start: { run: start, unit: 'ms', target: '≤ 2000 ms' },
  memory: { run: memory, unit: 'MB', target: '≤ 250 MB' },
  'build-cached': { run: buildCached, unit: 'ms over bare', target: '≤ 400 ms' },
  'build-cold': { run: buildCold, unit: 'ms', target: '≤ 1.10 ×' },
  'build-reuse': { run: buildReuse, unit: 'ms p99', target: '≤ 50 ms' },
  'job-builder': { run: jobBuilder, unit: 'ms', target: '≤ 2000 ms over bare' },
  pickup: { run: pickup, unit: 'ms', target: '≤ 20 / 100 ms' },
  'deploy-switch': { run: deploySwitch, unit: 'ms beyond the app', target: '≤ 2000 ms' },
  rollback: { run: rollback, unit: 'ms', target: '≤ 3000 ms' },
  'no-failed-requests': { run: noFailedRequests, unit: 'failed', target: '0' },
  plan: { run: plan, unit: 'ms', target: '≤ 1000 ms' },
  'compose-up': { run: composeUp, unit: 'ms', target: 'no slower than Compose, which is away meanwhile' },
  'cluster-deploy': { run: clusterDeploy, unit: 'ms', target: '≤ 1.1 ×' },
  'cluster-requests': { run: clusterRequests, unit: 'failed', target: '0' },
  'cluster-failure': { run: clusterFailure, unit: 'ms', target: '≤ 15000 ms, clear' },
  'log-follow': { run: logFollow, unit: 'ms', target: '≤ 50 / 250 ms' },
  'log-fanout': { run: logFanout, unit: 'ms', target: '≤ 50 / 250 ms' },
  'log-reads': { run: logReads, unit: 'ms p99', target: '≤ 10 ms' },
  'log-throughput': { run: logThroughput, unit: 'lines/s', target: '≥ 100000 lines/s' },
  claim: { run: claim, unit: 'ms p50', target: '≤ 1.5 ×' },
  fairness: { run: fairness, unit: '× fair share', target: '≤ 1.5 ×' },
  takeover: { run: takeover, unit: 'ms', target: '≤ 15000 ms' },
  'worker-scaling': { run: workerScaling, unit: 'builds/s', target: 'more workers take no less' },
  'cancel-signal': { run: cancelSignal, unit: 'ms', target: '≤ 50 / 2000 ms' },
  list: { run: list, unit: 'ms p99', target: '≤ 50 ms' },
  'api-read': { run: apiRead, unit: 'requests/s', target: '≥ 0.6 ×' },
};

const say = (line: string) => process.stderr.write(`${line}\n`);

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { json: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const unknown = positionals.filter((name) => !(name in benches));
  if (unknown.length > 0) {
    say(`There is no bench ${unknown.join(', ')}. There are: ${Object.keys(benches).join(', ')}.`);
    return 2;
  }
  const chosen = positionals.length > 0 ? positionals : Object.keys(benches);
  await using scene = await openScene(readConfig(process.env), process.env, say);
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, async () => {
      await scene[Symbol.asyncDispose]();
      process.exit(130);
    });
  for (const name of chosen) {
    const bench = benches[name] as Bench; // every name was looked up above
    if (!values.json) say(`  ${name} …`);
    const figures = await bench.run(scene).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      return [unmeasured(name, bench.unit, bench.target, reason)];
    });
    for (const figure of figures) process.stdout.write(`${values.json ? JSON.stringify(figure) : sentence(figure)}\n`);
  }
  return 0;
}

process.exitCode = await main();
