import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { furnish, type RealApi, realApi, type Tenant } from '../../testing/real.ts';

describe('the API of configuration and secrets', () => {
  let api: RealApi;
  let operator: Tenant;
  let acme: Tenant;
  let project: string;

  before(async () => {
    api = await realApi();
    operator = await api.tenant('operator');
    acme = await api.tenant('acme');
    ({ projectId: project } = await furnish(api, acme));
    await acme.client.createEnvironment(project, { name: 'staging' });
  });
  after(() => api[Symbol.asyncDispose]());

  const patch = (payload: object, headers: object = {}) =>
    api.app.inject({
      method: 'PATCH',
      url: `/projects/${project}/environments/staging/config`,
      headers: { ...acme.headers, ...headers },
      payload,
    });

  it('takes the version that a change was made against from the body and from If-Match', async () => {
    const read = await api.app.inject({
      url: `/projects/${project}/environments/staging/config`,
      headers: acme.headers,
    });
    const { etag } = read.headers;
    const number: number = read.json().number;
    assert.equal(etag, `"${number}"`);

    const first = await patch({ set: { A: '1' } }, { 'if-match': etag });
    const late = await patch({ set: { A: '2' } }, { 'if-match': etag });
    const lateInBody = await patch({ set: { A: '2' }, expected_version: number });
    const whatever = await patch({ set: { A: '3' } }, { 'if-match': '*' });
    const wrong = await patch({ set: { A: '4' } }, { 'if-match': 'W/"x"' });

    assert.deepEqual(
      [first, late, lateInBody, whatever, wrong].map(({ statusCode }) => statusCode),
      [200, 409, 409, 200, 400],
    );
    assert.equal(late.json().code, 'configuration_changed');
    assert.match(late.json().message, /is at version \d+ since .* ago, by token:acme/);
    assert.deepEqual(first.json().changes, [
      { service: '*', name: 'A', change: 'added', before: null, after: { plain: '1' } },
    ]);
    assert.equal(first.json().deploy, null);
  });

  it('makes a change with an Idempotency-Key once', async () => {
    const once = { 'idempotency-key': 'config-1' };
    const first = await patch({ set: { ONCE: '1' } }, once);
    await patch({ set: { ONCE: '2' } });

    const again = await patch({ set: { ONCE: '1' } }, once);

    assert.equal(again.headers['idempotency-replayed'], 'true');
    assert.equal(again.body, first.body);
    const now = await acme.client.getConfiguration(project, 'staging');
    assert.deepEqual(now?.values['*']?.ONCE, { plain: '2' });
  });

  it('tells that nothing was to change', async () => {
    const { client } = acme;
    const before = await client.setConfiguration(project, 'staging', { set: { SAME: '1' } });
    const again = await client.setConfiguration(project, 'staging', { set: { SAME: '1' } });

    assert.deepEqual([again.version?.number, again.changes], [before.version?.number, []]);
  });

  it('compares versions and environments, secrets by name', async () => {
    const { client } = acme;
    await client.createEnvironment(project, { name: 'production' });
    const { version } = await client.setConfiguration(project, 'staging', { set: { KEY: { secret: 'PASSWORD' } } });

    const last = await client.compareConfigurations(project, 'staging');
    const both = await client.compareConfigurations(project, 'staging', { to_environment: 'production' });

    assert.deepEqual(last.changes, [
      { service: '*', name: 'KEY', change: 'added', before: null, after: { secret: 'PASSWORD' } },
    ]);
    assert.equal(last.to.version, version?.number);
    assert.equal(both.to.environment, 'production');
    assert.deepEqual(
      both.changes.filter(({ name }) => name === 'KEY').map(({ change }) => change),
      ['removed'],
    );
    await assert.rejects(client.getConfigVersion(project, 'staging', 999), { code: 'revision_not_found', status: 404 });
  });

  it('keeps secrets of the installation to its operator, and gives them to every project', async () => {
    const system = { system: true } as const;
    await assert.rejects(acme.client.setSecret(system, { key: 'SHARED', value: 'x' }), { status: 403 });

    const set = await operator.client.setSecret(system, { key: 'SHARED', value: 'hunter22' });

    assert.deepEqual([set.scope_type, set.scope_id, set.used_by], ['system', null, []]);
    assert.deepEqual((await acme.client.validateSecrets(project, { keys: ['SHARED'] })).missing, []);
    assert.equal((await operator.client.showSecret(system, 'SHARED')).masked_value, 'h******2');
    assert.deepEqual(
      (await operator.client.listSecrets(system)).data.map(({ key }) => key),
      ['SHARED'],
    );
    await operator.client.deleteSecret(system, 'SHARED');
    assert.deepEqual(
      (await acme.client.validateSecrets(project, { keys: ['SHARED'] })).missing.map(({ key }) => key),
      ['SHARED'],
    );
  });

  it('lists what a project gets, and which one wins', async () => {
    const { data } = await acme.client.listSecrets({ project }, { inherited: true });

    assert.deepEqual(data.map(({ key, scope_type: scope, wins }) => [key, scope, wins]).sort(), [
      ['PASSWORD', 'org', false],
      ['PASSWORD', 'project', true],
    ]);
  });

  it('suggests the secret that was probably meant', async () => {
    const { missing } = await acme.client.validateSecrets(project, { keys: ['PASWORD'] });

    assert.deepEqual(missing, [
      {
        key: 'PASWORD',
        suggestion: 'PASSWORD',
        hints: ['There is a secret PASSWORD: is that one meant?', 'Set it with `eve secrets set PASWORD -`.'],
      },
    ]);
  });
});
