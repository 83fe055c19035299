import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BuildRun } from '@eve/protocol-rest/contract';
import { runEve } from '../../../testing/run-eve.ts';
import { artifact, completedRun, pageOf, run, spec } from '../../../testing/samples.ts';
import { problem, scriptedServer } from '../../../testing/server.ts';

const asked = { requested_at: '2026-01-02T03:04:10.678Z', by: 'token:ann', reason: 'wrong branch' };
const cancelling: BuildRun = {
  ...run,
  status: 'building',
  phase: 'building',
  waiting: null,
  started_at: run.created_at,
  cancel_requested_at: asked.requested_at,
  cancel: asked,
};
const cancelled: BuildRun = {
  ...cancelling,
  status: 'cancelled',
  phase: null,
  completed_at: completedRun.completed_at,
};
const digests = { service: 'web', platform: 'linux/amd64', expected: artifact.digest, found: artifact.digest };
const verifying: BuildRun = { ...run, verifies: run.id };

describe('eve build cancel', () => {
  it('shows that it is cancelling, then the end', async () => {
    let asks = 0;
    await using server = await scriptedServer({
      'POST /builds/:id/cancel': cancelling,
      'GET /builds/:id/runs/:run': () => (asks++ === 0 ? cancelling : cancelled),
    });

    const { code, stdout, stderr } = await runEve(['build', 'cancel', spec.id, '--reason', 'wrong branch'], server);

    assert.equal(code, 0);
    assert.match(stderr, /^Run brun_\w+: cancelling \(/);
    assert.match(stdout, new RegExp(`^Build cancelled: ${spec.id}\n {2}Run: ${run.id} cancelled`));
    assert.deepEqual(server.asked[0]?.body, { reason: 'wrong branch' });
  });

  it('only asks for the end with --wait false', async () => {
    await using server = await scriptedServer({ 'POST /builds/:id/cancel': cancelling });

    const { code, stdout } = await runEve(['build', 'cancel', spec.id, '--wait', 'false'], server);

    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`^Cancelling build: ${spec.id}\n {2}Run: ${run.id} cancelling`));
  });

  it('shows who asked for it and why in the list of runs', async () => {
    await using server = await scriptedServer({ 'GET /builds/:id/runs': pageOf(cancelling) });

    const { stdout } = await runEve(['build', 'runs', spec.id], server);

    assert.match(stdout, / cancelling /);
    assert.match(stdout, /Cancelling: requested 2026-01-02 03:04:10 by token:ann: wrong branch\n/);
  });
});

describe('eve build run', () => {
  it('names the run whose images are reused', async () => {
    const reused = { ...completedRun, reused_from: run.id };
    await using server = await scriptedServer({ 'POST /builds/:id/runs': reused });

    const { stdout } = await runEve(['build', 'run', spec.id, '--priority', '-5'], server);

    assert.match(stdout, new RegExp(` {2}Images: +reused from ${run.id}\n`));
    assert.deepEqual(server.asked[0]?.body, { priority: -5 });
  });

  it('refuses a priority that is no number before it asks', async () => {
    await using server = await scriptedServer({});

    const { code, stderr } = await runEve(['build', 'run', spec.id, '--priority', 'high'], server);

    assert.equal(code, 2);
    assert.match(stderr, /--priority must be a whole number, not "high"\./);
  });

  it('waits for the end with --wait and prints it', async () => {
    await using server = await scriptedServer({
      'POST /builds/:id/runs': run,
      'GET /builds/:id/runs/:run': completedRun,
    });

    const { code, stdout } = await runEve(['build', 'run', spec.id, '--wait'], server);

    assert.deepEqual([code, stdout], [0, `Build run ${run.id} completed after 12.0 s.\n`]);
  });
});

describe('eve build verify', () => {
  it('says that the digests are the same', async () => {
    await using server = await scriptedServer({
      'POST /builds/:id/verify': verifying,
      'GET /builds/:id/runs/:run': { ...completedRun, verifies: run.id, verification: [digests] },
    });

    const { code, stdout } = await runEve(['build', 'verify', spec.id, '--wait'], server);

    assert.equal(code, 0);
    assert.match(stdout, new RegExp(` {2}same +web \\(linux/amd64\\) ${artifact.digest}\n`));
  });

  it('fails and shows both digests where they differ', async () => {
    const other = { ...digests, found: `sha256:${'d'.repeat(64)}` };
    await using server = await scriptedServer({
      'POST /builds/:id/verify': verifying,
      'GET /builds/:id/runs/:run': { ...completedRun, verifies: run.id, verification: [other] },
    });

    const { code, stdout } = await runEve(['build', 'verify', spec.id, '--wait'], server);

    assert.equal(code, 1);
    assert.match(stdout, /different +web \(linux\/amd64\)\n +recorded: +sha256:c+\n +built again: sha256:d+\n/);
  });
});

describe('eve build delete and prune', () => {
  it('delete what nothing needs', async () => {
    await using server = await scriptedServer({
      'DELETE /builds/:id': (_request: unknown, reply: { code(status: number): { send(): unknown } }) =>
        reply.code(204).send(),
      'POST /projects/:id/builds/prune': { deleted: 1 },
    });

    const deleted = await runEve(['build', 'delete', spec.id], server);
    const pruned = await runEve(['build', 'prune', '--keep', '20', '--project', 'shop'], server);

    assert.deepEqual([deleted.code, deleted.stdout], [0, `Build deleted: ${spec.id}\n`]);
    assert.deepEqual([pruned.code, pruned.stdout], [0, 'Deleted: 1 build\n']);
    assert.deepEqual(server.asked[1]?.body, { keep: 20 });
  });

  it('do not say that a build is deleted which is not there or is needed', async () => {
    await using server = await scriptedServer({
      'DELETE /builds/:id': (_request, reply) => problem(reply, 409, 'build_in_use', 'The release v1 names it.'),
    });

    const { code, stdout, stderr } = await runEve(['build', 'delete', spec.id], server);

    assert.deepEqual([code, stdout], [4, '']);
    assert.match(stderr, /The release v1 names it\./);
  });
});
