import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Queue } from '@eve/protocol-rest/contract';
import { runEve } from '../../../testing/run-eve.ts';
import { project, run, spec } from '../../../testing/samples.ts';
import { scriptedServer } from '../../../testing/server.ts';

const queue: Queue = {
  data: [
    {
      kind: 'execute-build-run',
      class: 'build',
      subject_id: run.id,
      build_id: spec.id,
      build_number: 7,
      env_name: null,
      org: 'local',
      project: 'shop',
      why: null,
      deadline: null,
      org_id: project.org_id,
      project_id: project.id,
      state: 'queued',
      reason: 'tenant_limit',
      position: 1,
      priority: 5,
      attempt: 1,
      created_at: run.created_at,
      since: run.created_at,
      until: null,
      worker: null,
    },
  ],
  pagination: { limit: 20, offset: 0, count: 1, next_cursor: 'more' },
  lanes: [{ org_id: project.org_id, class: 'build', max: 1, running: 1, queued: 1, waiting: 0 }],
  capacities: [],
};

describe('eve queue list', () => {
  it('shows place, state and reason, and how full the organisation is', async () => {
    await using server = await scriptedServer({ 'GET /queue': queue });

    const { code, stdout } = await runEve(['queue', 'list', '--class', 'build', '--all'], server);

    assert.equal(code, 0);
    assert.match(stdout, /^Place +What +Of +Project +State +For +Why\n/);
    assert.match(
      stdout,
      new RegExp(
        `1 +${run.id} +${spec.id} +shop #7 +queued .*the limit of concurrent work of this organisation is reached`,
      ),
    );
    assert.match(stdout, /priority 5\n/);
    assert.match(stdout, /Builds: 1 of 1 run, 1 queued, 0 waiting for their time\n/);
    assert.match(stdout, /More: --cursor more\n/);
    assert.equal(server.asked[0]?.url, '/queue?class=build&all=true');
  });

  it('says when nothing waits, and prints the answer unchanged with --json', async () => {
    const empty = { ...queue, data: [], lanes: [] };
    await using server = await scriptedServer({ 'GET /queue': empty });

    const people = await runEve(['queue', 'list'], server);
    const scripts = await runEve(['queue', 'list', '--json'], server);

    assert.equal(people.stdout, 'Nothing runs and nothing waits.\n');
    assert.equal(scripts.stdout, `${JSON.stringify(empty)}\n`);
  });
});
