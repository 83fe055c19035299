import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runEve, scratch } from '../../testing/run-eve.ts';
import { environment, hash, pageOf, project, sha, status } from '../../testing/samples.ts';
import { problem, scriptedServer } from '../../testing/server.ts';

const healthy = {
  'GET /health': { status: 'ok', database: 'ok', build: { version: '0.1.0' } },
  'GET /auth/me': { actor: 'token:ci', org_id: project.org_id, project_id: null, scopes: ['admin'], is_admin: false },
  'GET /projects/:id': project,
  'GET /projects/:id/manifest': { git_sha: sha, manifest_hash: hash, yaml: 'services: {}' },
  'POST /projects/:id/manifest/validate': { valid: true, errors: [], warnings: [] },
  'POST /projects/:id/secrets/validate': { missing: [] },
  'GET /projects/:id/environments': pageOf(environment),
  'GET /projects/:id/environments/:env/status': status,
};

describe('eve doctor', () => {
  it('says ok for each thing that is', async () => {
    await using place = await scratch();
    await using server = await scriptedServer(healthy);

    const { code, stdout } = await runEve(['doctor', '--project', 'shop'], { ...server, cwd: place.path });

    assert.equal(code, 0, stdout);
    for (const name of ['server', 'token', 'project', 'manifest', 'secrets', 'running']) {
      assert.match(stdout, new RegExp(`^ok {4}${name} `, 'm'));
    }
  });

  it('fails for a missing secret and says how to set it', async () => {
    await using place = await scratch();
    await using server = await scriptedServer({
      ...healthy,
      'POST /projects/:id/secrets/validate': { missing: [{ key: 'PASSWORD', hints: [] }] },
    });

    const { code, stdout } = await runEve(['doctor', '--project', 'shop'], { ...server, cwd: place.path });

    assert.equal(code, 1);
    assert.match(stdout, /^fail {2}secrets +missing: PASSWORD\n +→ eve secrets set PASSWORD -$/m);
  });

  it('says how to make the project where there is none', async () => {
    await using place = await scratch();
    await using server = await scriptedServer({
      ...healthy,
      'GET /projects/:id': (_request, reply) => problem(reply, 404, 'project_not_found', 'There is no project shop.'),
    });

    const { code, stdout } = await runEve(['doctor', '--project', 'shop'], { ...server, cwd: place.path });

    assert.equal(code, 1);
    assert.match(stdout, /^fail {2}project .*\n +→ .*eve project create --repo \./m);
  });

  it('stops at a server that does not answer', async () => {
    const { code, stdout } = await runEve(['doctor', '--json'], { url: 'http://127.0.0.1:1' });

    assert.equal(code, 1);
    assert.deepEqual(
      (JSON.parse(stdout) as { checks: { name: string; state: string }[] }).checks.map(({ name, state }) => [
        name,
        state,
      ]),
      [['server', 'failed']],
    );
  });
});
