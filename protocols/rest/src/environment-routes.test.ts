import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { furnish, type RealApi, realApi, type Tenant } from '../testing/real.ts';
import * as contract from './contract/index.ts';

describe('the environments of the API', () => {
  let api: RealApi;
  let owner: Tenant;
  let second: Awaited<ReturnType<typeof anotherToken>>;
  let projectId: string;

  before(async () => {
    api = await realApi();
    await api.tenant('operator');
    owner = await api.tenant('owner');
    ({ projectId } = await furnish(api, owner));
    second = await anotherToken();
  });
  after(() => api[Symbol.asyncDispose]());

  async function anotherToken() {
    const { token } = await owner.client.createToken({ name: 'second', scopes: ['deploy', 'read'] });
    return { authorization: `Bearer ${token}` };
  }

  const ask = (
    method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE',
    path: string,
    payload?: object,
    headers: object = owner.headers,
  ) =>
    api.app.inject({
      method,
      url: `/projects/${projectId}/environments/${path}`,
      headers: { ...headers },
      ...(payload && { payload }),
    });
  const created = async (name: string) => (await owner.client.createEnvironment(projectId, { name })).name;

  it('change only the settings that are given, and null takes one back', async () => {
    const name = await created('settings');

    const set = await owner.client.updateEnvironment(projectId, name, {
      type: 'temporary',
      settings: { strategy: 'canary:10@5m,50', approval: 'required', protected: true, stabilise: '30s' },
    });
    const more = await owner.client.updateEnvironment(projectId, name, { settings: { drift: 'repair' } });
    const back = await owner.client.updateEnvironment(projectId, name, {
      settings: { strategy: null, approval: 'none', stabilise: 0 },
    });

    contract.Environment.strict().parse(set);
    assert.equal(set.type, 'temporary');
    assert.deepEqual(more.settings, {
      strategy: {
        type: 'canary',
        steps: [
          { weight: 10, pause: '5m' },
          { weight: 50, pause: null },
        ],
        keep_warm: '0s',
      },
      approval: 'required',
      auto_deploy: null,
      protected: true,
      drift: 'repair',
      auto_rollback: null,
      stabilise: '30s',
    });
    assert.deepEqual([back.settings.strategy, back.settings.approval, back.settings.stabilise], [null, 'none', '0s']);
    const shown = contract.EnvironmentDetail.strict().parse(await owner.client.getEnvironment(projectId, name));
    assert.deepEqual(
      [shown.rules.strategy.type, shown.rules.approval, shown.rules.drift, shown.rules.stabilise],
      ['blue-green', 'none', 'repair', '0s'],
    );
    assert.deepEqual([shown.rules.auto_rollback, shown.rules.protected], [true, true]);
  });

  it('refuse settings that are none, naming the field', async () => {
    const name = await created('refused');
    const refused = async (settings: object) => (await ask('PATCH', name, { settings })).json();

    const unknown = await refused({ strategi: 'rolling' });
    const strategy = await refused({ strategy: 'canary:0,200' });
    const stabilise = await refused({ stabilise: '2h' });

    assert.deepEqual([unknown.status, unknown.code], [400, 'request_invalid']);
    assert.deepEqual([strategy.status, strategy.code], [400, 'strategy_invalid']);
    assert.deepEqual([stabilise.status, stabilise.errors[0]?.path], [400, 'settings.stabilise']);
  });

  it('tell who edits after somebody else, by If-Match as by expected_version', async () => {
    const name = await created('edited');
    const read = await ask('GET', name);
    const etag = String(read.headers.etag);
    const edit = (drift: string, headers: object, more: object = {}) =>
      ask('PATCH', name, { settings: { drift }, ...more }, { ...owner.headers, ...headers });

    const first = await edit('repair', { 'if-match': etag });
    const late = await edit('report', { 'if-match': etag });
    const lateToo = await edit('report', {}, { expected_version: etag.slice(1, -1) });
    const again = await edit('report', { 'if-match': String(first.headers.etag) });
    const wrong = await edit('report', { 'if-match': 'without quotes' });

    assert.deepEqual(
      [first, late, lateToo, again, wrong].map(({ statusCode }) => statusCode),
      [200, 409, 409, 200, 400],
    );
    assert.equal(etag, `"${read.json().version}"`);
    assert.equal(late.json().code, 'record_changed');
    assert.match(late.json().message, /was changed by token:owner/);
    assert.match(late.json().message, new RegExp(first.json().version));
  });

  it('are locked with a reason by one holder, and unlocked by anybody, who is told whose it was', async () => {
    const name = await created('locked');

    const without = await ask('POST', `${name}/lock`, {});
    const locked = await owner.client.lockEnvironment(projectId, name, { reason: 'moving the database' });
    const other = await ask('POST', `${name}/lock`, { reason: 'mine' }, second);
    const removed = await ask('DELETE', name);
    const unlocked = contract.UnlockedEnvironment.strict().parse(
      (await ask('POST', `${name}/unlock`, {}, second)).json(),
    );
    const none = await owner.client.unlockEnvironment(projectId, name);

    assert.equal(without.statusCode, 400);
    assert.deepEqual([locked.lock?.holder, locked.lock?.reason], ['token:owner', 'moving the database']);
    assert.deepEqual([other.statusCode, other.json().code], [409, 'environment_locked']);
    assert.match(other.json().message, /locked by token:owner .* ago: moving the database/);
    assert.equal(removed.json().code, 'environment_locked');
    assert.deepEqual([unlocked.released?.holder, unlocked.environment.lock], ['token:owner', null]);
    assert.equal(none.released, null);
  });

  it('say why they are suspended, and forget it when they are resumed', async () => {
    const name = await created('suspended');

    const suspended = await owner.client.suspendEnvironment(projectId, name, { reason: 'saving money' });
    const resumed = await owner.client.resumeEnvironment(projectId, name);

    assert.deepEqual([suspended.status, suspended.suspended_reason], ['suspended', 'saving money']);
    assert.deepEqual([resumed.status, resumed.suspended_reason], ['active', null]);
  });

  it('take as the reason what others can read on one line', async () => {
    const name = await created('unreadable');

    for (const reason of ['\u001b[2J', 'two\nlines']) {
      const refused = await ask('POST', `${name}/suspend`, { reason });
      assert.deepEqual([refused.statusCode, refused.json().errors[0]?.path], [400, 'reason']);
    }
  });

  it('are not deleted while they are protected', async () => {
    const name = await created('guarded');
    await owner.client.updateEnvironment(projectId, name, { settings: { protected: true } });

    const refused = await ask('DELETE', name);

    assert.deepEqual([refused.statusCode, refused.json().code], [409, 'environment_protected']);
    assert.match(refused.json().message, /eve env update guarded --protected off/);
  });

  it('need the scope that fits the act', async () => {
    const name = await created('scopes');
    const asked = [
      await ask('PATCH', name, { settings: { protected: false } }, second),
      await ask('POST', `${name}/suspend`, {}, second),
      await ask('POST', `${name}/lock`, { reason: 'mine' }, second),
    ];

    assert.deepEqual(
      asked.map(({ statusCode }) => statusCode),
      [403, 403, 200],
    );
  });

  it('are shown on a board with what waits and what is not here yet', async () => {
    const board = contract.Board.strict().parse(await owner.client.board(projectId));
    const all = await owner.client.board(null);

    const row = board.data.find(({ env_name: name }) => name === 'test');
    assert.deepEqual([row?.health, row?.waiting_deploy?.status, row?.release], ['deploying', 'pending', null]);
    assert.deepEqual([row?.newest_release?.tag, row?.releases_behind], ['v1', 1]);
    assert.deepEqual(
      all.data.map(({ env_name: name }) => name),
      board.data.map(({ env_name: name }) => name),
    );
  });

  it('answer in the forms of the contract where nothing runs yet', async () => {
    const name = await created('empty');

    const [status, health, diagnosis, recovery, drift] = await Promise.all(
      ['status', 'health', 'diagnose', 'recover', 'drift'].map(async (what) =>
        (await ask('GET', `${name}/${what}`)).json(),
      ),
    );

    assert.equal(contract.EnvironmentStatus.strict().parse(status).status, 'unknown');
    assert.deepEqual(contract.EnvironmentHealth.strict().parse(health).deployment, null);
    assert.match(contract.EnvironmentDiagnosis.strict().parse(diagnosis).summary, /Nothing serves in empty yet/);
    assert.equal(contract.EnvironmentRecovery.strict().parse(recovery).current_release_id, null);
    assert.deepEqual(contract.EnvironmentDrift.strict().parse(drift).data, []);
    const repair = await ask('POST', `${name}/repair`, {});
    assert.deepEqual([repair.statusCode, repair.json().code], [409, 'rollback_target_missing']);
  });
});
