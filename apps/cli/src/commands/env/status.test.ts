import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runEve } from '../../../testing/run-eve.ts';
import { environment, pageOf, release, revision, sha, status } from '../../../testing/samples.ts';
import { problem, scriptedServer } from '../../../testing/server.ts';

const of = ['--project', 'shop'];

describe('eve env status', () => {
  it('names the command that brings back what is gone, and counts what should run', async () => {
    const services = status.services.map((service) => ({ ...service, state: 'missing', digest_matches: false }));
    await using server = await scriptedServer({
      'GET /projects/:id/environments/:env/status': { ...status, status: 'degraded', ready: false, services },
    });

    const { stdout } = await runEve(['env', 'status', 'test', ...of], server);

    assert.match(stdout, /Hint: .*eve env rollback test --to 3$/m);
    assert.match(stdout, /web +missing +0\/1/);
  });

  it('says which revision serves while the next one is tried', async () => {
    await using server = await scriptedServer({
      'GET /projects/:id/environments/:env/status': { ...status, status: 'deploying', ready: true },
    });

    const { stdout } = await runEve(['env', 'status', 'test', ...of], server);

    assert.match(stdout, /Ready: +yes: test#3 serves while the next revision is tried/);
  });
});

describe('eve env history and rollback', () => {
  it('show how the deploy of a revision ended', async () => {
    const entry = { revision, release, current: false, deploy_id: null, deploy_status: 'failed' };
    await using server = await scriptedServer({ 'GET /projects/:id/environments/:env/history': pageOf(entry) });

    const { stdout } = await runEve(['env', 'history', 'test', ...of], server);

    assert.match(stdout, /test#3 +failed/);
  });

  it('warn of a revision that was never healthy', async () => {
    const answer = {
      environment,
      deploy: null,
      revision: null,
      target: revision,
      release,
      target_status: 'failed',
      plan: [],
    };
    await using server = await scriptedServer({ 'POST /projects/:id/environments/:env/rollback': answer });

    const { stderr } = await runEve(['env', 'rollback', 'test', '--to', '3', '--dry-run', ...of], server);

    assert.match(stderr, /Warning: test#3 was never healthy: its deploy is failed/);
  });

  it('point to --to where the revision is given without it', async () => {
    const { code, stderr } = await runEve(['env', 'rollback', 'test', '9'], { url: 'http://127.0.0.1:1' });

    assert.equal(code, 2);
    assert.match(stderr, /eve env rollback test --to 9/);
  });
});

describe('eve', () => {
  it('points from deploy list to the deploys of an environment', async () => {
    const { code, stderr } = await runEve(['deploy', 'list'], { url: 'http://127.0.0.1:1' });

    assert.equal(code, 2);
    assert.match(stderr, /eve env deploys <env>/);
    assert.match(stderr, /eve env history <env>/);
  });

  it('asks for the whole commit id where the server knows no such ref', async () => {
    await using server = await scriptedServer({
      'GET /projects/:id/refs': (_request, reply) => problem(reply, 400, 'ref_not_found', 'No such ref.'),
    });

    const { stderr } = await runEve(['env', 'deploy', 'test', '--ref', sha.slice(0, 8), ...of], server);

    assert.match(stderr, /give all 40 digits/);
    assert.match(stderr, /--repo-dir/);
  });
});
