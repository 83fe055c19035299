import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type RealApi, realApi, type Tenant } from '../testing/real.ts';
import { CreatedToken } from './contract/index.ts';

describe('a call with an Idempotency-Key', () => {
  let api: RealApi;
  let tenant: Tenant;

  before(async () => {
    api = await realApi();
    tenant = await api.tenant('acme');
  });
  after(() => api[Symbol.asyncDispose]());

  function post(url: string, key: string, payload: object, headers = tenant.headers) {
    return api.app.inject({ method: 'POST', url, headers: { ...headers, 'idempotency-key': key }, payload });
  }

  it('happens once, and answers the same again', async () => {
    const first = await post('/projects', 'k1', { name: 'Shop' });
    const second = await post('/projects', 'k1', { name: 'Shop' });

    assert.deepEqual([first.statusCode, second.statusCode], [201, 201]);
    assert.equal(second.payload, first.payload);
    assert.equal(first.headers['idempotency-replayed'], undefined);
    assert.equal(second.headers['idempotency-replayed'], 'true');
    assert.match(String(second.headers['content-type']), /^application\/json/);
    assert.equal((await tenant.client.listProjects()).data.length, 1);
  });

  it('is refused with another body, and is another call for another tenant', async () => {
    const other = await api.tenant('other');
    await post('/projects', 'k2', { name: 'One' });

    const reused = await post('/projects', 'k2', { name: 'Two' });
    const elsewhere = await post('/projects', 'k2', { name: 'Two' }, other.headers);

    assert.deepEqual([reused.statusCode, reused.json().code], [409, 'idempotency_key_reused']);
    assert.equal(elsewhere.statusCode, 201);
  });

  it('happens once when sent at the same time', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => post('/projects', 'k3', { name: 'Race' })));

    const made = answers.filter(({ statusCode }) => statusCode === 201);
    const refused = answers.filter(({ statusCode }) => statusCode === 409);
    assert.equal(made.length + refused.length, 8);
    assert.equal(new Set(made.map(({ payload }) => payload)).size, 1);
    for (const answer of refused) {
      assert.equal(answer.json().code, 'idempotency_in_progress');
      assert.equal(answer.headers['retry-after'], '1');
    }
  });

  it('may be tried again after it was refused', async () => {
    const guest = await api.tenant('guest');
    const refused = await post('/orgs', 'k4', { name: 'Nope' }, guest.headers);
    const again = await post('/orgs', 'k4', { name: 'Nope' }, guest.headers);

    assert.deepEqual([refused.statusCode, again.statusCode], [403, 403]);
    assert.equal(again.headers['idempotency-replayed'], undefined);
  });

  it('keeps no token and no secret in the database', async () => {
    const made = await post('/tokens', 'k5', { name: 'ci', scopes: ['read'] });
    const repeated = await post('/tokens', 'k5', { name: 'ci', scopes: ['read'] });
    const project = (await tenant.client.listProjects()).data[0];
    await post(`/projects/${project?.id}/secrets`, 'k6', { key: 'PASSWORD', value: 'correct horse' });

    const { rows } = await api.pool.query('select request_hash, body from idempotency_keys');
    const kept = JSON.stringify(rows);
    const { token } = CreatedToken.parse(made.json());
    assert.ok(token);
    assert.deepEqual(repeated.json(), { ...made.json(), token: null });
    assert.ok(rows.length >= 5);
    assert.ok(!kept.includes(token) && !kept.includes('correct horse'));
  });

  it('wants a key of printable characters', async () => {
    const answer = await post('/projects', 'a key', { name: 'Shop' });

    assert.deepEqual([answer.statusCode, answer.json().code], [400, 'request_invalid']);
  });
});
