import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BuildDiagnosis, BuildStep } from '@eve/protocol-rest/contract';
import { runEve } from '../../../testing/run-eve.ts';
import { failedRun, hash, logEntry, run, sha, spec } from '../../../testing/samples.ts';
import { scriptedServer } from '../../../testing/server.ts';

const step: BuildStep = {
  service: 'web',
  attempt: 1,
  index: 1,
  name: '[deps 1/3] FROM node:24',
  state: 'cached',
  cached: true,
  cache_reason: null,
  error: null,
  started_at: '2026-01-02T03:04:05.678Z',
  completed_at: '2026-01-02T03:04:05.778Z',
  duration_ms: 100,
};

const steps: BuildStep[] = [
  step,
  {
    ...step,
    index: 2,
    name: '[deps 2/3] RUN npm ci',
    state: 'failed',
    cached: false,
    cache_reason: 'package-lock.json is another',
    duration_ms: 11_000,
  },
];

const error = { level: 'error', error_code: 'build_error' } as const;
const measuredRun = {
  ...failedRun,
  limits: { memory_bytes: 2_000_000_000, cpus: 2, timeout_ms: 900_000 },
  usage: { peak_memory_bytes: 500_000_000, cpu_ms: 9000, disk_read_bytes: 1_000_000, disk_written_bytes: 0 },
};

const diagnosis: BuildDiagnosis = {
  spec,
  runs: [measuredRun],
  run: measuredRun,
  cache: { steps: 2, hits: 1, rate: 0.5 },
  artifacts: [],
  steps,
  logs: [
    logEntry(1, 'npm error 404'),
    logEntry(2, `Error: ${failedRun.error?.message}`, error),
    logEntry(3, '--- Last 1 lines ---', error),
    logEntry(4, 'npm error 404', error),
    logEntry(5, 'Hint: Read the failing step.', error),
  ],
  waiting: null,
  failure: failedRun.error,
  last_good: {
    build_id: spec.id,
    number: 6,
    run_id: run.id,
    git_sha: sha,
    completed_at: '2026-01-01T03:04:05.678Z',
    differences: [
      { what: 'manifest_hash', before: hash, after: sha },
      { what: 'steps.web', before: null, after: '[deps] RUN npm ci' },
    ],
  },
};

async function diagnosed(answer: BuildDiagnosis): Promise<string> {
  await using server = await scriptedServer({ 'GET /builds/:id/diagnose': answer });
  const { code, stdout } = await runEve(['build', 'diagnose', spec.id], server);
  assert.equal(code, 0);
  return stdout;
}

describe('eve build diagnose', () => {
  it('says on one page what failed where, what is different, how the time went and what was used', async () => {
    const page = await diagnosed(diagnosis);

    assert.match(page, new RegExp(`^Build diagnose: ${spec.id}\n {2}Number: +#7\n`));
    for (const part of [
      `Run ${run.id}: failed (12.0 s)`,
      '  Error:   docker buildx failed with exit code 1 at [deps 2/3] RUN npm ci\n',
      '  Type:    Build Error (build_error), in phase build\n',
      '  Retry:   does not help by itself\n',
      '    manifest_hash: bbbbbbbbbbbb... -> a1b2c3d4a1b2...\n',
      '    steps.web: new: [deps] RUN npm ci\n',
      '03:04:05  100 ms  hit    [deps 1/3] FROM node:24\n',
      'miss   [deps 2/3] RUN npm ci  <- failed\n',
      'not cached: package-lock.json is another\n',
      '  Time:   12.0 s of 15 min 0 s\n',
      '  Memory: 477 MiB at most of 1.9 GiB\n',
      'Artifacts: none.\n',
      'Recent logs:\n[03:04:05] [web] npm error 404\n',
    ]) {
      assert.ok(page.includes(part), `${part}\n${page}`);
    }
  });

  it('tells the error once: not again in the runs, nor as lines of the log', async () => {
    const page = await diagnosed(diagnosis);

    assert.equal(page.split('failed with exit code 1').length - 1, 1, page);
    assert.equal(page.split('npm error 404').length - 1, 1, page);
    assert.equal(page.split('Read the failing step.').length - 1, 1, page);
  });

  it('shows the last lines of the failing step where the log’s end holds only the error', async () => {
    const page = await diagnosed({ ...diagnosis, logs: diagnosis.logs.slice(1) });

    assert.match(page, /Recent logs:\n--- Last 1 lines ---\nnpm error 404\n$/);
  });

  it('says why a run waits, at which place and since when', async () => {
    const page = await diagnosed({
      ...diagnosis,
      runs: [run],
      run,
      cache: null,
      failure: null,
      steps: [],
      logs: [],
      last_good: null,
    });

    assert.match(page, /Waiting: position 2: the builder is full \(since 2026-01-02 03:04:05\)\n/);
  });

  it('says how to start what never ran', async () => {
    const page = await diagnosed({
      ...diagnosis,
      runs: [],
      run: null,
      cache: null,
      failure: null,
      steps: [],
      logs: [],
      last_good: null,
    });

    assert.match(page, new RegExp(`Runs: none yet. Start one: eve build run ${spec.id}\n`));
  });
});
