import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PlatformError } from '@eve/domain';
import type { QueueEntry } from '@eve/operations';
import { authorization, caller, idOf, project, run, scriptedApi, spec } from '../testing/scripted.ts';
import * as contract from './contract/index.ts';

const headers = authorization;
const at = new Date('2026-01-02T03:04:05.678Z');
const later = new Date(at.getTime() + 1500);

describe('routes of builds', () => {
  it('hand all filters of a list on; how long ago is counted from now', async () => {
    const asked: unknown[] = [];
    const { app } = await scriptedApi({
      listBuilds: async (_platform, _caller, _project, page) => {
        asked.push(page);
        return { items: [{ ...spec, lastStatus: 'failed' }], nextCursor: null };
      },
    });

    const list = '/projects/shop/builds?status=failed&service=web&limit=5';
    for (const since of ['24h', '2026-01-01', '2026-01-01T10:00:00%2B02:00']) {
      const { statusCode, json } = await app.inject({ url: `${list}&since=${since}`, headers });
      assert.equal(statusCode, 200);
      assert.equal(contract.ListedBuild.strict().parse(json().data[0]).last_status, 'failed');
    }

    const page = { limit: 5, status: 'failed', service: 'web' };
    assert.deepEqual(asked, [
      { ...page, since: new Date(at.getTime() - 86_400_000) },
      { ...page, since: new Date('2026-01-01T00:00:00Z') },
      { ...page, since: new Date('2026-01-01T08:00:00Z') },
    ]);
  });

  it('refuse filters and pages that make no sense, naming each', async () => {
    const { app } = await scriptedApi({});
    const wrong: Record<string, string> = {
      'limit=-1': 'limit',
      'limit=101': 'limit',
      'limit=x': 'limit',
      'offset=-1': 'offset',
      'offset=100000': 'offset',
      'since=yesterday': 'since',
      'since=2026-13-45': 'since',
      'status=done': 'status',
      'stauts=failed': 'stauts',
      'git_sha=main': 'git_sha',
    };

    for (const [query, path] of Object.entries(wrong)) {
      const response = await app.inject({ url: `/projects/shop/builds?${query}`, headers });
      const { errors } = contract.Problem.parse(response.json());
      assert.deepEqual(
        [response.statusCode, errors.map((error) => [error.path, error.pointer])],
        [400, [[path, `/${path}`]]],
      );
    }
  });

  it('take a retry policy and a timeout, and show them as they were meant', async () => {
    let asked: unknown;
    const { app } = await scriptedApi({
      createBuild: async (_platform, _caller, _project, { inputs }) => {
        asked = inputs;
        return { ...spec, inputs: inputs ?? null };
      },
    });
    const inputs = { timeout: '15m', retry_policy: { max_retries: 2, initial_delay: 10, max_delay: '1500ms' } };
    const payload = { git_sha: spec.gitSha, manifest_hash: spec.manifestHash, inputs };

    const response = await app.inject({ method: 'POST', url: '/projects/shop/builds', headers, payload });

    assert.deepEqual(asked, {
      timeoutMs: 900_000,
      retryPolicy: { maxRetries: 2, initialDelayMs: 10_000, maxDelayMs: 1500 },
    });
    assert.deepEqual(contract.BuildSpec.strict().parse(response.json()).inputs, {
      timeout: '900s',
      retry_policy: { max_retries: 2, initial_delay: '10s', max_delay: '1500ms' },
    });
  });

  it('list every wrong field of a build', async () => {
    const { app } = await scriptedApi({});
    const inputs = {
      timeout: 'soon',
      retry_policy: { max_retries: -1, often: true },
      build_args: { A: 1 },
      platforms: [],
    };
    const payload = { git_sha: spec.gitSha, manifest_hash: spec.manifestHash, inputs, cache: { from: [''], size: 1 } };

    const response = await app.inject({ method: 'POST', url: '/projects/shop/builds', headers, payload });

    const { errors } = contract.Problem.parse(response.json());
    assert.equal(response.statusCode, 400);
    assert.deepEqual(errors.map(({ path }) => path).sort(), [
      'cache.from.0',
      'cache.size',
      'inputs.build_args.A',
      'inputs.platforms',
      'inputs.retry_policy.max_retries',
      'inputs.retry_policy.often',
      'inputs.timeout',
    ]);
  });

  it('delete a build, and say which release keeps it', async () => {
    const { app } = await scriptedApi({
      deleteBuild: async (_platform, _caller, id) => {
        if (id !== spec.id) throw new PlatformError('build_in_use', 'The release v1 names this build.');
      },
    });

    const deleted = await app.inject({ method: 'DELETE', url: `/builds/${spec.id}`, headers });
    const kept = await app.inject({ method: 'DELETE', url: `/builds/${idOf('bld', 2)}`, headers });

    assert.deepEqual([deleted.statusCode, deleted.payload], [204, '']);
    assert.deepEqual([kept.statusCode, kept.json().code], [409, 'build_in_use']);
  });

  it('prune builds, ten stay unless another number is given', async () => {
    const asked: unknown[] = [];
    const { app } = await scriptedApi({
      pruneBuilds: async (_platform, _caller, projectId, keep) => {
        asked.push([projectId, keep]);
        return 3;
      },
    });
    const url = '/projects/shop/builds/prune';

    const answer = await app.inject({ method: 'POST', url, headers });
    await app.inject({ method: 'POST', url, headers, payload: { keep: 0 } });
    const wrong = await app.inject({ method: 'POST', url, headers, payload: { keep: -1 } });

    assert.deepEqual([answer.statusCode, answer.json()], [201, { deleted: 3 }]);
    assert.deepEqual(asked, [
      [project.id, 10],
      [project.id, 0],
    ]);
    assert.equal(wrong.statusCode, 400);
  });
});

describe('routes of build runs', () => {
  it('start with a priority and a backend', async () => {
    let asked: unknown;
    const { app } = await scriptedApi({
      startBuildRun: async (_platform, _caller, about) => {
        asked = about;
        return run;
      },
    });
    const url = `/builds/${spec.id}/runs`;

    await app.inject({ method: 'POST', url, headers, payload: { backend: 'buildkit', priority: -5, runner_ref: 'x' } });
    const wrong = await app.inject({ method: 'POST', url, headers, payload: { priority: 1e9, backend: 'make' } });

    assert.deepEqual(asked, { buildId: spec.id, backend: 'buildkit', priority: -5 });
    assert.equal(wrong.statusCode, 400);
    assert.deepEqual(
      wrong
        .json()
        .errors.map(({ path }: { path: string }) => path)
        .sort(),
      ['backend', 'priority'],
    );
  });

  it('show a cancel that was asked for, limits, use and the deadline', async () => {
    const building = {
      ...run,
      status: 'building',
      phase: 'building',
      startedAt: at,
      limits: { memoryBytes: 2048, cpus: 2, timeoutMs: 1500 },
      usage: { peakMemoryBytes: 1024, cpuMs: 30, diskReadBytes: 1, diskWrittenBytes: 2 },
      cancelRequestedAt: later,
      cancelRequestedBy: 'token:ann',
      cancelReason: 'wrong branch',
    } as const;
    const { app } = await scriptedApi({ cancelBuildRun: async () => building });
    const url = `/builds/${spec.id}/cancel`;

    const response = await app.inject({ method: 'POST', url, headers, payload: { reason: 'wrong branch' } });

    const shown = contract.BuildRun.strict().parse(response.json());
    assert.equal(response.statusCode, 201);
    assert.deepEqual(shown.cancel, { requested_at: later.toISOString(), by: 'token:ann', reason: 'wrong branch' });
    assert.deepEqual(shown.limits, { memory_bytes: 2048, cpus: 2, timeout_ms: 1500 });
    assert.deepEqual(shown.usage?.peak_memory_bytes, 1024);
    assert.equal(shown.deadline, later.toISOString());
  });

  it('verify the newest completed run, or the given one', async () => {
    const asked: unknown[] = [];
    const verifying = { ...run, verifies: idOf('brun', 2) };
    const { app } = await scriptedApi({
      verifyBuild: async (_platform, _caller, about) => {
        asked.push(about);
        return verifying;
      },
    });
    const url = `/builds/${spec.id}/verify`;

    const response = await app.inject({ method: 'POST', url, headers });
    await app.inject({ method: 'POST', url, headers, payload: { run_id: run.id } });

    assert.equal(response.statusCode, 201);
    assert.equal(contract.BuildRun.strict().parse(response.json()).verifies, verifying.verifies);
    assert.deepEqual(asked, [{ buildId: spec.id }, { buildId: spec.id, runId: run.id }]);
  });

  it('list steps with how long they took and why they were not cached', async () => {
    const step = { service: 'web', attempt: 1, index: 1, name: '[1/2] FROM node', error: null, startedAt: at } as const;
    const { app } = await scriptedApi({
      listBuildSteps: async () => [
        { ...step, state: 'cached', cacheReason: null, completedAt: at },
        {
          ...step,
          index: 2,
          name: '[2/2] RUN make',
          state: 'done',
          cacheReason: 'Makefile changed',
          completedAt: later,
        },
      ],
    });

    const response = await app.inject({ url: `/builds/${spec.id}/runs/${run.id}/steps`, headers });

    const { data } = contract.pageOf(contract.BuildStep.strict()).parse(response.json());
    assert.deepEqual(
      data.map(({ cached, cache_reason, duration_ms }) => [cached, cache_reason, duration_ms]),
      [
        [true, null, 0],
        [false, 'Makefile changed', 1500],
      ],
    );
  });
});

describe('the route of the queue', () => {
  const work: QueueEntry = {
    workId: idOf('work'),
    kind: 'execute-build-run',
    id: run.id,
    tenantId: caller.tenantId,
    projectId: project.id,
    class: 'build',
    state: 'waiting',
    reason: 'retry_delay',
    position: 2,
    priority: 0,
    attempt: 1,
    createdAt: at,
    since: at,
    runAt: later,
    worker: null,
    organisation: 'local',
    project: 'shop',
    build: { id: spec.id, number: 1 },
    environment: null,
    why: 'Waiting at position 2: it is tried again after a delay.',
    deadlineAt: null,
  };

  it('shows what waits: why, at which place, until when, and how full the lanes are', async () => {
    const asked: unknown[] = [];
    const lane = { tenantId: caller.tenantId, class: 'build', max: 3, running: 1, queued: 0, waiting: 1 } as const;
    const { app } = await scriptedApi({
      listQueue: async (_platform, _caller, page) => {
        asked.push(page);
        return {
          items: [work],
          nextCursor: 'next',
          lanes: [lane],
          capacities: [{ class: 'build', max: 4, running: 1 }],
        };
      },
    });

    const response = await app.inject({ url: '/queue?limit=1', headers });
    await app.inject({ url: '/queue?class=deploy&all=true&cursor=next', headers });

    const { data, pagination, lanes } = contract.Queue.strict().parse(response.json());
    assert.deepEqual(
      [data[0]?.subject_id, data[0]?.reason, data[0]?.position, data[0]?.until, pagination.next_cursor, lanes[0]?.max],
      [run.id, 'retry_delay', 2, later.toISOString(), 'next', 3],
    );
    assert.deepEqual(asked, [
      { classes: ['build', 'deploy'], all: false, limit: 1 },
      { classes: ['deploy'], all: true, limit: 20, cursor: 'next' },
    ]);
  });
});
