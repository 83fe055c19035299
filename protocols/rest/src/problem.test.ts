import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { PlatformError } from '@eve/domain';
import { authorization, scriptedApi, spec } from '../testing/scripted.ts';
import { Problem } from './contract/index.ts';

const post = { method: 'POST', url: '/projects/shop/builds' } as const;
const json = { ...authorization, 'content-type': 'application/json' };

describe('what goes wrong', () => {
  it('is a problem document with the members that existing clients read', async () => {
    const { app } = await scriptedApi({
      getBuild: async () => {
        throw new PlatformError('build_not_found', 'There is no such build.');
      },
    });

    const response = await app.inject({ url: `/builds/${spec.id}`, headers: authorization });

    const problem = Problem.strict().parse(response.json());
    assert.match(String(response.headers['content-type']), /^application\/problem\+json/);
    assert.equal(response.headers['x-eve-correlation-id'], problem.correlation_id);
    assert.deepEqual(
      [response.statusCode, problem.status, problem.statusCode, problem.code, problem.message, problem.error],
      [404, 404, 404, 'build_not_found', 'There is no such build.', 'Not Found'],
    );
  });

  it('lists every wrong field with path and pointer', async () => {
    const { app } = await scriptedApi({});
    const payload = { git_sha: 'ABC', services: ['web', 7], inputs: { force_rebuild: 'yes', speed: 1 }, colour: 'red' };

    const response = await app.inject({ ...post, headers: authorization, payload });

    assert.equal(response.statusCode, 400);
    const { code, errors } = Problem.parse(response.json());
    assert.equal(code, 'request_invalid');
    assert.deepEqual(errors.map(({ path }) => path).sort(), [
      'colour',
      'git_sha',
      'inputs.force_rebuild',
      'inputs.speed',
      'manifest_hash',
      'services.1',
    ]);
    assert.equal(errors.find(({ path }) => path === 'services.1')?.pointer, '/services/1');
    assert.match(errors.find(({ path }) => path === 'git_sha')?.message ?? '', /exactly 40 lower-case hex digits/);
    assert.equal(errors.find(({ path }) => path === 'manifest_hash')?.message, 'is required');
  });

  it('refuses a malformed id and odd paging with 400', async () => {
    const { app } = await scriptedApi({});

    for (const url of [
      '/builds/bld_1',
      '/projects?limit=-1',
      '/projects?limit=101',
      '/projects?limit=x',
      '/projects?offset=10001',
      '/projects/%00',
      '/projects/%zz',
    ]) {
      const response = await app.inject({ url, headers: authorization });
      assert.deepEqual([url, response.statusCode, response.json().code], [url, 400, 'request_invalid']);
    }
  });

  it('refuses a body that is no JSON, of another type, or has a polluting key', async () => {
    const { app } = await scriptedApi({});

    for (const [payload, type] of [
      ['{"git_sha": ', 'application/json'],
      ['{"__proto__": {"a": 1}}', 'application/json'],
      ['git_sha=1', 'application/x-www-form-urlencoded'],
      ['{"git_sha": "\\u0000"}', 'application/json'],
      ['{"inputs": {"tag": "\\ud800"}}', 'application/json'],
    ]) {
      const response = await app.inject({ ...post, headers: { ...authorization, 'content-type': type }, payload });
      assert.deepEqual([payload, response.statusCode, response.json().code], [payload, 400, 'body_invalid']);
    }
  });

  it('refuses a body that is too large with 413', async () => {
    const { app } = await scriptedApi({});

    const response = await app.inject({ ...post, headers: json, payload: `"${'x'.repeat(2_000_000)}"` });

    assert.deepEqual([response.statusCode, response.json().code], [413, 'body_too_large']);
  });

  it('wants a token everywhere but on public routes, and says how', async () => {
    const store = { ping: async () => undefined };
    const { app } = await scriptedApi({ manifestJsonSchema: () => ({ type: 'object' }) }, { store });

    for (const headers of [{}, { authorization: 'Basic eDp5' }, { authorization: 'Bearer eve_wrong' }]) {
      const response = await app.inject({ url: '/projects', headers });
      assert.equal(response.statusCode, 401);
      assert.match(String(response.headers['www-authenticate']), /^Bearer/);
      assert.equal(response.json().code, 'unauthenticated');
    }
    for (const url of ['/health', '/health/version', '/openapi.json', '/docs', '/manifest.schema.json']) {
      assert.equal((await app.inject({ url })).statusCode, 200, url);
    }
  });

  it('answers an unknown route with its name', async () => {
    const { app } = await scriptedApi({});

    const response = await app.inject({ method: 'DELETE', url: '/nothing?here=1' });

    assert.deepEqual(
      [response.statusCode, response.json().message, response.json().code],
      [404, 'Cannot DELETE /nothing', 'route_not_found'],
    );
  });

  it('hides a bug behind a correlation id and logs it', async () => {
    const { app, logged } = await scriptedApi({
      getBuild: async () => {
        throw new TypeError('undefined is not a password');
      },
    });
    const headers = { ...authorization, 'x-eve-correlation-id': 'mine-1' };

    const response = await app.inject({ url: `/builds/${spec.id}`, headers });

    assert.equal(response.statusCode, 500);
    assert.doesNotMatch(response.payload, /password|TypeError|routes/);
    assert.match(response.json().message, /mine-1/);
    assert.equal(response.headers['x-eve-correlation-id'], 'mine-1');
    assert.equal(logged.length, 1);
  });

  it('says when to come back after an outage', async () => {
    const { app } = await scriptedApi({
      getBuild: async () => {
        throw new PlatformError('database_unavailable', 'The database does not answer.');
      },
    });

    const response = await app.inject({ url: `/builds/${spec.id}`, headers: authorization });

    assert.deepEqual([response.statusCode, response.headers['retry-after']], [503, '5']);
  });

  it('does nothing for half a body', async () => {
    let called = false;
    const { app } = await scriptedApi({
      createBuild: async () => {
        called = true;
        return spec;
      },
    });
    await using _closing = { [Symbol.asyncDispose]: () => app.close() };
    await app.listen({ host: '127.0.0.1', port: 0 });
    const address = app.server.address();
    assert.ok(address && typeof address === 'object');

    const socket = connect(address.port, '127.0.0.1');
    socket.write(
      'POST /projects/shop/builds HTTP/1.1\r\nhost: eve\r\nauthorization: Bearer eve_good\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"git_sha": "aaaa',
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));

    assert.equal(called, false);
    assert.equal((await app.inject({ url: '/health/version' })).statusCode, 200);
  });
});
