import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DeployDetail } from '@eve/protocol-rest/contract';
import { runEve } from '../../../testing/run-eve.ts';
import { deploy, healthyDeploy, pageOf, release, status } from '../../../testing/samples.ts';
import { eventStream, problem, scriptedServer } from '../../../testing/server.ts';

const of = ['--project', 'shop'];
const detail: DeployDetail = { ...deploy, env_name: 'test', revision_number: 3, release };
const started = { status: 'deploying', phase: 'probing', started_at: '2026-01-02T03:04:05.678Z' } as const;
const canary: DeployDetail = {
  ...detail,
  ...started,
  phase: 'paused',
  strategy: { type: 'canary', steps: [{ weight: 20, pause: null }], keep_warm: '0s' },
  canary: { step: 0, weight: 20, since: '2026-01-02T03:04:05.678Z', paused: true },
};
const failed: DeployDetail = {
  ...detail,
  status: 'failed',
  started_at: deploy.created_at,
  completed_at: healthyDeploy.completed_at,
  error_code: 'health_check_failed',
  error_message: 'Service web is not healthy.',
  release_commands: [
    {
      service: 'web',
      command: ['npm', 'run', 'migrate'],
      started_at: '2026-01-02T03:04:05.678Z',
      completed_at: '2026-01-02T03:04:07.678Z',
      exit_code: 0,
    },
  ],
  error: {
    code: 'health_check_failed',
    message: 'Service web is not healthy.',
    service: 'web',
    hint: 'Read its last lines.',
    probes: [],
    logs: [],
    instances: [
      {
        instance: 'shop-test-web-3-1',
        service: 'web',
        state: 'running',
        restarts: 2,
        probes: [{ at: '2026-01-02T03:04:06.678Z', ok: false, detail: 'GET /health: 503' }],
        logs: Array.from({ length: 25 }, (_, index) => `line ${index + 1} \u001b[31m`),
      },
    ],
  },
};

const log = (_request: unknown, reply: Parameters<typeof eventStream>[0]) =>
  eventStream(reply, ['end', { state: 'healthy', error: null }]);
const answering = (answer: DeployDetail) => ({
  'GET /deploys/:id': answer,
  'GET /deploys/:id/instances': pageOf(),
  'GET /deploys/:id/logs': log,
  'GET /projects/:id/environments/:env/status': status,
});

describe('eve deploy show', () => {
  it('tells of a failed deploy its release command, every probe and the last lines, without what a terminal obeys', async () => {
    await using server = await scriptedServer(answering(failed));

    const { code, stdout } = await runEve(['deploy', 'show', deploy.id], server);

    assert.equal(code, 0);
    assert.match(stdout, /Revision: +test#3\n {2}Release: +v1\.0\.0 of a1b2c3d4\n/);
    assert.match(stdout, /Release commands:\n {2}web: npm run migrate \(exit code 0, 2\.0 s\)\n/);
    assert.match(stdout, /shop-test-web-3-1: running, restarted 2 times\n {2}\[03:04:06\] failed: GET \/health: 503\n/);
    assert.match(stdout, / {2}\| … 5 lines before \(--json shows all\)\n {2}\| line 6 /);
    assert.ok(!stdout.includes('\u001b'));
  });

  it('says where a canary stands and what may be done', async () => {
    await using server = await scriptedServer(answering(canary));

    const { stdout } = await runEve(['deploy', 'show', deploy.id], server);

    assert.match(
      stdout,
      /Strategy: +canary:20\n {2}Canary: +20 % of the traffic since .*, step 1 of 1, waits for somebody\n/,
    );
    assert.match(stdout, /Next:\n {2}eve deploy promote dep_\w+ \[--full\]\n {2}eve deploy abort dep_/);
  });

  it('offers no promotion of a canary that is being taken back', async () => {
    await using server = await scriptedServer(answering({ ...canary, cancel_requested_at: deploy.created_at }));

    const { stdout } = await runEve(['deploy', 'show', deploy.id], server);

    assert.match(stdout, /Next:\n {2}eve deploy wait dep_\w+\n$/);
  });

  it('says of one that gives back that it has failed, and why', async () => {
    const draining = { ...failed, ...started, phase: 'draining', completed_at: null } as const;
    await using server = await scriptedServer(answering(draining));

    const { stdout } = await runEve(['deploy', 'show', deploy.id], server);

    assert.match(stdout, /Status: +deploying \(failed, gives back what served before\)\n/);
    assert.match(stdout, /Error: +Service web is not healthy\.\n/);
    assert.match(stdout, /Next:\n {2}eve deploy wait dep_\w+\n$/);
  });

  it('does not say of a canary that has ended that it waits', async () => {
    const ended = { status: 'cancelled', completed_at: deploy.created_at, cancel_reason: 'enough' } as const;
    await using server = await scriptedServer(answering({ ...canary, ...ended }));

    const { stdout } = await runEve(['deploy', 'show', deploy.id], server);

    assert.match(stdout, /Canary: +ended with 20 % of the traffic, step 1 of 1\n/);
  });

  it('names the deploy that a waiting one waits for', async () => {
    const before = { deploy_id: deploy.id, created_by: 'token:anna', ...started, status: 'deploying' } as const;
    await using server = await scriptedServer(answering({ ...detail, waits_for: before }));

    const { stdout } = await runEve(['deploy', 'show', deploy.id], server);

    assert.match(stdout, /Waits for: +deploy dep_\w+ by token:anna \(probing, begun .* ago\)/);
  });
});

describe('eve deploy wait', () => {
  const ends: readonly [string, Partial<DeployDetail>, number, RegExp][] = [
    ['serves', { status: 'healthy' }, 0, /is healthy/],
    ['failed', failed, 1, /failed/],
    [
      'was cancelled',
      { status: 'cancelled', cancel_reason: 'Rejected by token:anna: no' },
      1,
      /\(Rejected by token:anna: no\)/,
    ],
    ['was superseded', { status: 'superseded' }, 1, /was superseded/],
    ['waits for an approval', { status: 'awaiting_approval' }, 5, /eve deploy approve dep_/],
    ['is a paused canary', canary, 5, /paused with 20 % of the traffic/],
  ];
  for (const [how, over, exit, said] of ends) {
    it(`exits ${exit} when it ${how}`, async () => {
      await using server = await scriptedServer(answering({ ...detail, ...over }));

      const { code, stdout } = await runEve(['deploy', 'wait', deploy.id], server);

      assert.equal(code, exit);
      assert.match(stdout, said);
    });
  }

  it('waits for the end of a paused canary that was aborted', async () => {
    let asked = 0;
    await using server = await scriptedServer({
      ...answering(canary),
      'GET /deploys/:id': () => {
        asked += 1;
        const over = asked < 3 ? canary : ({ status: 'cancelled', completed_at: deploy.created_at } as const);
        return { ...detail, ...over, cancel_requested_at: deploy.created_at };
      },
    });

    const { code, stdout } = await runEve(['deploy', 'wait', deploy.id], server);

    assert.equal(code, 1);
    assert.match(stdout, /was cancelled.*: what served before serves on/);
  });
});

describe('eve deploy wait', () => {
  it('prints of what a check answered nothing that a terminal would obey', async () => {
    const error_message = 'Service web is not healthy: \u001b[2Jgone';
    await using server = await scriptedServer(answering({ ...failed, error_message }));

    const { stdout } = await runEve(['deploy', 'wait', deploy.id], server);

    assert.match(stdout, /is not healthy: gone/);
    assert.ok(!stdout.includes('\u001b'));
  });
});

describe('eve deploy list', () => {
  it('asks with all filters and shows where each deploy went', async () => {
    await using server = await scriptedServer({ 'GET /projects/:id/deploys': pageOf(detail) });

    const filters = ['--env', 'test', '--status', 'failed', '--cause', 'repair', '--by', 'token:ci', '--release', 'v1'];
    const { stdout } = await runEve(['deploy', 'list', ...filters, '--since', '24h', ...of], server);

    assert.match(stdout, /^Deploy ID +Revision +Release .*\ndep_\w+ +test#3 +v1\.0\.0 +pending +direct /);
    const query = new URL(server.asked[0]?.url ?? '', 'http://x').searchParams;
    assert.deepEqual(Object.fromEntries(query), {
      environment: 'test',
      status: 'failed',
      cause: 'repair',
      created_by: 'token:ci',
      release: 'v1',
      since: '24h',
    });
  });
});

describe('eve deploy approve, reject, promote, pause and abort', () => {
  it('send what was asked and show what became of it', async () => {
    await using server = await scriptedServer({
      'POST /deploys/:id/approve': { ...deploy, status: 'awaiting_approval', approved_by: 'token:anna' },
      'POST /deploys/:id/reject': { ...deploy, status: 'cancelled', cancel_reason: 'Rejected by token:anna: no' },
      'POST /deploys/:id/promote': canary,
      'POST /deploys/:id/pause': canary,
      'POST /deploys/:id/cancel': { ...deploy, ...started, cancel_requested_at: deploy.created_at },
    });
    const run = async (...args: string[]) => (await runEve(['deploy', ...args], server)).stdout;

    assert.match(await run('approve', deploy.id), /awaiting_approval \(approved by token:anna\)/);
    assert.match(await run('reject', deploy.id, '--reason', 'no'), /cancelled, Rejected by token:anna: no/);
    assert.match(await run('promote', deploy.id, '--full'), /: all of the traffic was asked for\./);
    assert.match(await run('promote', deploy.id), /: the next step was asked for\.\n.*eve deploy wait dep_/);
    assert.match(await run('pause', deploy.id), /paused \(20 %/);
    assert.match(await run('abort', deploy.id, '--reason', 'errors'), /deploying \(cancelling, probing\)/);
    assert.match(await run('cancel', deploy.id), /deploying \(cancelling, probing\)/);

    assert.deepEqual(
      server.asked.map(({ url, body }) => [url.split('/').at(-1), body]),
      [
        ['approve', {}],
        ['reject', { reason: 'no' }],
        ['promote', { full: true }],
        ['promote', { full: false }],
        ['pause', {}],
        ['cancel', { reason: 'errors' }],
        ['cancel', {}],
      ],
    );
  });

  it('hand on the reason of the server', async () => {
    await using server = await scriptedServer({
      'POST /deploys/:id/approve': (_request, reply) =>
        problem(reply, 403, 'approval_forbidden', 'somebody other than token:x must approve it.'),
    });

    const { code, stderr } = await runEve(['deploy', 'approve', deploy.id], server);

    assert.equal(code, 3);
    assert.match(stderr, /somebody other than token:x must approve it/);
  });
});
