import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { KeyRotation, Secret } from '@eve/protocol-rest/contract';
import { runEve, scratch } from '../../../testing/run-eve.ts';
import { project } from '../../../testing/samples.ts';
import { problem, scriptedServer } from '../../../testing/server.ts';

const secret: Secret = {
  id: project.id.replace('proj_', 'secr_') as Secret['id'],
  scope_type: 'project',
  scope_id: project.id,
  key: 'API_KEY',
  created_at: '2026-01-02T03:04:05.678Z',
  updated_at: '2026-01-02T03:04:05.678Z',
};
const uses = [
  { project: 'shop', environment: 'staging', current: false },
  { project: 'shop', environment: 'test', current: true },
];
const eve = (args: string, url: string, more: { input?: string; cwd?: string } = {}) =>
  runEve(args.split(' '), { url, ...more });

describe('eve secrets', () => {
  it('sets a value from stdin and names who runs with the one before', async () => {
    await using server = await scriptedServer({ 'POST /projects/:id/secrets': { ...secret, used_by: uses } });

    const { stdout, stderr } = await eve('secrets set API_KEY - --project shop', server.url, { input: 'hunter2\n' });

    assert.deepEqual(server.asked[0]?.body, { key: 'API_KEY', value: 'hunter2' });
    assert.equal(
      stdout,
      `Secret set: API_KEY (project ${project.id})
It counts from the next build and deploy on. These run with the value before until then:
  shop/staging:  eve config apply staging --project shop
`,
    );
    assert.ok(!`${stdout}${stderr}`.includes('hunter2'));
  });

  it('reaches the organisation and the installation, one at a time', async () => {
    const system = { ...secret, scope_type: 'system', scope_id: null, used_by: [] };
    await using server = await scriptedServer({
      'POST /orgs/:id/secrets': { ...secret, scope_type: 'org', used_by: [] },
      'POST /system/secrets': system,
    });

    await eve('secrets set API_KEY - --org acme', server.url, { input: 'x' });
    const { stdout } = await eve('secrets set API_KEY - --system', server.url, { input: 'x' });
    const both = await eve('secrets set API_KEY - --system --org acme', server.url, { input: 'x' });

    assert.deepEqual(
      server.asked.map(({ url }) => url),
      ['/orgs/acme/secrets', '/system/secrets'],
    );
    assert.match(stdout, /Secret set: API_KEY \(installation\)/);
    assert.equal(both.code, 2);
  });

  it('lists what a project gets, and which one wins', async () => {
    const data = [
      { ...secret, wins: true },
      { ...secret, scope_type: 'org', wins: false },
    ];
    await using server = await scriptedServer({
      'GET /projects/:id/secrets': { data, pagination: { limit: 20, offset: 0, count: 2, next_cursor: null } },
    });

    const { stdout } = await eve('secrets list --inherited --project shop', server.url);

    assert.equal(server.asked[0]?.url, '/projects/shop/secrets?inherited=true');
    assert.match(stdout, /API_KEY {2}project {7}.* {2}yes\nAPI_KEY {2}organisation {2}.* {2}no: a nearer one does/);
  });

  it('shows where a secret stands and is in use, and says it when it is deleted', async () => {
    await using server = await scriptedServer({
      'GET /projects/:id/secrets/:key': { ...secret, used_by: uses, masked_value: 'hu***r2' },
      'DELETE /projects/:id/secrets/:key': (_request, reply) => reply.code(204).send(),
    });

    const shown = await eve('secrets show API_KEY --project shop', server.url);
    const deleted = await eve('secrets delete API_KEY --project shop', server.url);

    assert.match(
      shown.stdout,
      /Of: +project proj_.*\n +Value: +hu\*\*\*r2\n +Used by: +shop\/staging \(older value\), shop\/test/,
    );
    assert.equal(
      deleted.stdout,
      'Secret deleted: API_KEY\nStill in use until the next deploy, which needs it set again: shop/staging (older value), shop/test\n',
    );
  });

  it('imports a file, and says what was set before one was refused', async () => {
    await using place = await scratch();
    await writeFile(join(place.path, '.env'), 'A=hunter2\nB="two\nlines"\nC=3\n');
    await writeFile(join(place.path, 'empty.env'), 'A=\nB=1\n');
    await using server = await scriptedServer({
      'POST /projects/:id/secrets': ({ body }, reply) =>
        (body as { key: string }).key === 'C' ? problem(reply, 400, 'request_invalid', 'Too long.') : secret,
    });
    const at = { cwd: place.path };

    const { stdout, stderr, code } = await eve('secrets import --file .env --project shop', server.url, at);
    const empty = await eve('secrets import --file empty.env --project shop', server.url, at);

    assert.equal(code, 2);
    assert.match(stderr, /Set before this failed: A, B/);
    assert.ok(!`${stdout}${stderr}`.includes('hunter2'));
    assert.deepEqual(server.asked[1]?.body, { key: 'B', value: 'two\nlines' });
    assert.equal(empty.code, 2);
    assert.match(empty.stderr, /Without a value: A\. Nothing was set/);
  });

  it('names the secret that was probably meant', async () => {
    const hints = ['There is a secret API_KEY: is that one meant?', 'Set it with `eve secrets set API_KY -`.'];
    await using server = await scriptedServer({
      'POST /projects/:id/secrets/validate': { missing: [{ key: 'API_KY', suggestion: 'API_KEY', hints }] },
    });

    const { stdout, code } = await eve('secrets validate API_KY --project shop', server.url);

    assert.equal(code, 1);
    assert.match(stdout, /Missing: API_KY\n {2}Hint: There is a secret API_KEY/);
  });

  const key = { id: 'new', version: 2 };
  const step: KeyRotation = {
    ...{ key, started: true, resealed: 200, remaining: 50, unreadable: [] as string[] },
    ...{ forgotten: [] as (typeof key)[], done: false },
  };

  it('changes the master key step by step until it is done', async () => {
    const steps = [
      step,
      { ...step, started: false, resealed: 50, remaining: 0, done: true, forgotten: [{ id: 'old', version: 1 }] },
    ];
    await using server = await scriptedServer({ 'POST /system/master-key/rotate': () => steps.shift() });

    const { stdout, stderr, code } = await eve('secrets rotate-key', server.url);

    assert.equal(code, 0, stderr);
    assert.match(stderr, /New master key: new \(version 2\)\n200 sealed anew, 50 left/);
    assert.match(
      stdout,
      /^250 values sealed anew with master key new \(version 2\)\.\nForgotten: old \(version 1\)\nBack/,
    );
  });

  it('stops where values cannot be opened, and says that the key is kept', async () => {
    const stuck = { ...step, started: false, resealed: 0, remaining: 1, unreadable: ['sver_1'] };
    await using server = await scriptedServer({ 'POST /system/master-key/rotate': stuck });

    const { stderr, code } = await eve('secrets rotate-key', server.url);

    assert.equal(code, 1);
    assert.match(stderr, /1 value cannot be opened, so the former key is kept: sver_1/);
  });
});
