import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Board, BoardEntry, Drift } from '@eve/protocol-rest/contract';
import { runEve } from '../../../testing/run-eve.ts';
import { deploy, environment, release, revision, rules, status } from '../../../testing/samples.ts';
import { problem, scriptedServer } from '../../../testing/server.ts';

const of = ['--project', 'shop'];
const at = '2026-01-02T03:04:05.678Z';
const lock = { holder: 'token:ada', reason: 'moving the database', since: at };
const drift: Drift = {
  id: 'drift_01kdyak3sfe008000000000000',
  project_id: environment.project_id,
  environment_id: environment.id,
  revision_id: revision.id,
  differences: [{ kind: 'missing', service: 'web', instance: null, expected: '2 instances', found: '1' }],
  detected_at: at,
  seen_at: at,
  cleared_at: null,
  repair_deploy_id: null,
};
const entry: BoardEntry = {
  project_id: environment.project_id,
  project: 'shop',
  env_name: 'test',
  environment: { ...environment, lock },
  health: 'degraded',
  revision_number: 3,
  release: { id: release.id, tag: 'v1.0.0', version: '1.0.0', git_sha: release.git_sha, created_at: at },
  since: at,
  by: 'token:ada',
  active_deploy: {
    id: deploy.id,
    status: 'deploying',
    phase: 'paused',
    cause: 'direct',
    holder: 'token:bob',
    since: at,
    canary_weight: 10,
  },
  waiting_deploy: null,
  drift,
  newest_release: { id: release.id, tag: 'v1.2.0', version: '1.2.0', git_sha: release.git_sha, created_at: at },
  releases_behind: 2,
};
const board: Board = {
  engine_available: true,
  drift_watched: true,
  checked_at: at,
  data: [entry],
  pagination: { limit: 20, offset: 0, count: 1, next_cursor: null },
};

describe('eve env list and board', () => {
  it('show what runs where, since when, by whom, and what is to be known of it', async () => {
    await using server = await scriptedServer({ 'GET /projects/:id/board': board, 'GET /board': board });

    const list = await runEve(['env', 'list', ...of], server);
    const all = await runEve(['env', 'board'], server);

    assert.match(list.stdout, /^Environment +Type +Health +Release +Revision +Since +By +Notes$/m);
    assert.match(
      list.stdout,
      /^test +persistent +degraded +v1\.0\.0 +#3 +2026-01-02 03:04:05 +token:ada +locked by token:ada/m,
    );
    assert.match(
      list.stdout,
      /paused at 10 % by token:bob for .*; drift: 1 difference for .*; not here yet: v1\.2\.0 \(2 releases\)$/m,
    );
    assert.match(all.stdout, /^Project +Environment/m);
    assert.match(all.stdout, /^shop +test/m);
  });

  it('say so where the engine does not answer', async () => {
    await using server = await scriptedServer({ 'GET /board': { ...board, engine_available: false } });

    const { stderr } = await runEve(['env', 'board'], server);

    assert.match(stderr, /engine does not answer/);
  });
});

describe('eve env show and update', () => {
  const detail = {
    ...environment,
    rules: { ...rules, drift: 'repair' },
    settings: { ...environment.settings, drift: 'repair' },
  };

  it('show what counts for the next deploy, and what of it is set here', async () => {
    await using server = await scriptedServer({ 'GET /projects/:id/environments/:env': detail });

    const { stdout } = await runEve(['env', 'show', 'test', ...of], server);

    assert.match(stdout, /Strategy: +blue-green$/m);
    assert.match(stdout, /Drift: +repair \(set here\)$/m);
  });

  it('send what is given, and null for what is taken back', async () => {
    await using server = await scriptedServer({
      'PATCH /projects/:id/environments/:env': environment,
      'GET /projects/:id/environments/:env': detail,
    });
    const options = ['--strategy', 'canary:10@5m,50', '--approval', 'required', '--protected', 'on'];

    const { code } = await runEve(
      ['env', 'update', 'test', ...options, '--drift', 'default', '--if-version', 'abc', ...of],
      server,
    );

    assert.equal(code, 0);
    assert.deepEqual(server.asked[0]?.body, {
      settings: { strategy: 'canary:10@5m,50', approval: 'required', drift: null, protected: true },
      expected_version: 'abc',
    });
  });

  it('refuse a word that is none, and nothing at all', async () => {
    const wrong = await runEve(['env', 'update', 'test', '--protected', 'maybe', ...of], { url: 'http://127.0.0.1:1' });
    const nothing = await runEve(['env', 'update', 'test', ...of], { url: 'http://127.0.0.1:1' });

    assert.deepEqual([wrong.code, nothing.code], [2, 2]);
    assert.match(wrong.stderr, /--protected takes on, off or default/);
    assert.match(nothing.stderr, /Say what to change/);
  });
});

describe('eve env lock and unlock', () => {
  it('want a reason, and say whose a lock was', async () => {
    await using server = await scriptedServer({
      'POST /projects/:id/environments/:env/lock': { ...environment, lock },
      'POST /projects/:id/environments/:env/unlock': { environment, released: lock },
    });

    const without = await runEve(['env', 'lock', 'test', ...of], server);
    const locked = await runEve(['env', 'lock', 'test', '--reason', 'moving the database', ...of], server);
    const unlocked = await runEve(['env', 'unlock', 'test', ...of], server);

    assert.deepEqual([without.code, locked.code], [2, 0]);
    assert.deepEqual(server.asked[0]?.body, { reason: 'moving the database' });
    assert.match(locked.stdout, /locked by token:ada since 2026-01-02 03:04:05 \(.*\): moving the database/);
    assert.match(unlocked.stdout, /was locked by token:ada/);
  });

  it('end with 4 where somebody else holds it', async () => {
    await using server = await scriptedServer({
      'POST /projects/:id/environments/:env/lock': (_request, reply) =>
        problem(reply, 409, 'environment_locked', 'Environment test was locked by token:ada 2 h ago: moving.'),
    });

    const { code, stderr } = await runEve(['env', 'lock', 'test', '--reason', 'mine', ...of], server);

    assert.equal(code, 4);
    assert.match(stderr, /locked by token:ada 2 h ago/);
  });
});

describe('eve env drift', () => {
  const view = {
    env_name: 'test',
    watched: true,
    rule: 'repair',
    current: drift,
    repair: { tried: [{ deploy_id: deploy.id, status: 'failed', completed_at: at }], next_at: at },
    data: [drift, { ...drift, cleared_at: '2026-01-02T03:05:05.678Z' }],
    pagination: board.pagination,
  };

  it('shows what differs, what is done about it, and what was before', async () => {
    await using server = await scriptedServer({ 'GET /projects/:id/environments/:env/drift': view });

    const { stdout } = await runEve(['env', 'drift', 'test', ...of], server);

    assert.match(stdout, /missing web: 1, expected 2 instances/);
    assert.match(stdout, /Repair: +1 time tried, the last is failed \(dep_.*\); again at 2026-01-02 03:04:05/);
    assert.match(stdout, /^2026-01-02 03:04:05 +1 min 0 s +- +missing web/m);
  });

  it('names the command where it is only reported', async () => {
    await using server = await scriptedServer({
      'GET /projects/:id/environments/:env/drift': { ...view, rule: 'report', repair: null },
    });

    const { stdout } = await runEve(['env', 'drift', 'test', ...of], server);

    assert.match(stdout, /eve env repair test/);
  });
});

describe('eve env status', () => {
  it('shows lock, drift, the deploy under way with its holder and age, and each instance with its check', async () => {
    const instance = {
      name: 'eve-shop-web-3-1',
      state: 'running',
      named: true,
      restarts: 4,
      digests: [],
      ports: [],
      started_at: at,
      last_probe: { at, ok: false, detail: 'GET /health: 503' },
    };
    await using server = await scriptedServer({
      'GET /projects/:id/environments/:env/status': {
        ...status,
        environment: { ...environment, lock },
        drift,
        differences: drift.differences,
        active_deploy: {
          ...deploy,
          status: 'deploying',
          phase: 'paused',
          canary: { step: 0, weight: 10, since: at, paused: true },
          holder: 'token:bob',
          age_seconds: 90,
        },
        services: status.services.map((service) => ({ ...service, instances: [instance] })),
      },
    });

    const { stdout } = await runEve(['env', 'status', 'test', ...of], server);

    assert.match(stdout, /Locked: +by token:ada since .*: moving the database/);
    assert.match(stdout, /Under way: +dep_\w+ by token:bob for 1 min 30 s, deploying \(paused\)/);
    assert.match(stdout, /Canary: +10 % of the traffic/);
    assert.match(stdout, /Drift: +since 2026-01-02 03:04:05 \(.*\), reported only/);
    assert.match(stdout, /eve-shop-web-3-1 +running +\d.* +4 +failed: GET \/health: 503/);
    assert.match(stdout, /^Differs: missing web: 1, expected 2 instances$/m);
  });
});
