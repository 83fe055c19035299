import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runEve } from '../../../testing/run-eve.ts';
import { deploy, sha, status } from '../../../testing/samples.ts';
import { problem, scriptedServer } from '../../../testing/server.ts';

const of = ['--project', 'shop'];

describe('eve env status', () => {
  it('names the command that brings back what is gone, and counts what should run', async () => {
    const services = status.services.map((service) => ({ ...service, state: 'missing', digest_matches: false }));
    await using server = await scriptedServer({
      'GET /projects/:id/environments/:env/status': {
        ...status,
        status: 'degraded',
        ready: false,
        services,
        hint: 'Start again what is missing: eve env repair test',
      },
    });

    const { stdout } = await runEve(['env', 'status', 'test', ...of], server);

    assert.match(stdout, /Hint: .*eve env repair test$/m);
    assert.match(stdout, /web +missing +0\/1/);
  });

  it('says that the deploy under way has failed and gives back, and why', async () => {
    const age = { holder: 'token:anna', since: deploy.created_at, age_seconds: 7 };
    const active = { ...deploy, ...age, status: 'deploying', phase: 'draining', error_message: 'web is not healthy.' };
    const error = { code: 'unstable', message: '', service: 'web', hint: '', probes: [], logs: [], instances: [] };
    await using server = await scriptedServer({
      'GET /projects/:id/environments/:env/status': { ...status, active_deploy: { ...active, error } },
    });

    const { stdout } = await runEve(['env', 'status', 'test', ...of], server);

    assert.match(
      stdout,
      /Under way: +dep_\w+ by token:anna for 7.*, deploying \(failed, gives back what served before\)/,
    );
    assert.match(stdout, /Error: +web is not healthy\.\n/);
  });

  it('says which revision serves while the next one is tried', async () => {
    await using server = await scriptedServer({
      'GET /projects/:id/environments/:env/status': { ...status, status: 'deploying', ready: true },
    });

    const { stdout } = await runEve(['env', 'status', 'test', ...of], server);

    assert.match(stdout, /Ready: +yes: test#3 serves while the next revision is tried/);
  });
});

describe('eve env rollback', () => {
  it('points to --to where the revision is given without it', async () => {
    const { code, stderr } = await runEve(['env', 'rollback', 'test', '9'], { url: 'http://127.0.0.1:1' });

    assert.equal(code, 2);
    assert.match(stderr, /eve env rollback test --to 9/);
  });
});

describe('eve', () => {
  it('asks for the whole commit id where the server knows no such ref', async () => {
    await using server = await scriptedServer({
      'GET /projects/:id/refs': (_request, reply) => problem(reply, 400, 'ref_not_found', 'No such ref.'),
    });

    const { stderr } = await runEve(['env', 'deploy', 'test', '--ref', sha.slice(0, 8), ...of], server);

    assert.match(stderr, /give all 40 digits/);
    assert.match(stderr, /--repo-dir/);
  });
});
