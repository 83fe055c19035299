import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  bodyFor,
  everyRoute,
  type Furniture,
  pathWith,
  placesFor,
  queryFor,
  type Route,
} from '../testing/every-route.ts';
import { furnish, type RealApi, realApi, type Tenant } from '../testing/real.ts';

/** They ask engines, which this test has none of. */
const engines = new Set([
  'deployInstances',
  'diffReleases',
  'resolveRef',
  'environmentLogs',
  'serviceLogs',
  'environmentStatus',
]);

/** Names something that belongs to a tenant. */
function isOwned({ path }: Pick<Route, 'path'>): boolean {
  return path.includes('{') && !path.startsWith('/system/');
}

describe('tenants', () => {
  let api: RealApi;
  let owner: Tenant;
  let stranger: Tenant;
  let thing: Furniture;
  let routes: readonly Route[];

  before(async () => {
    api = await realApi();
    await api.tenant('operator');
    owner = await api.tenant('owner');
    stranger = await api.tenant('stranger');
    thing = await furnish(api, owner);
    routes = await everyRoute(api);
  });
  after(() => api[Symbol.asyncDispose]());

  async function ask(route: Route, headers: Record<string, string>) {
    const hasBody = route.method === 'POST' || route.method === 'PATCH';
    const pack = route.id === 'uploadSource';
    return api.app.inject({
      method: route.method,
      url: pathWith(route, placesFor(route, thing)) + queryFor(route),
      headers: { ...headers, ...(pack && { 'content-type': 'application/x-git-pack' }) },
      ...(hasBody && { payload: bodyFor(route, thing) }),
      ...(pack && { payload: 'PACK' }),
    });
  }

  it('get their own things by id', async () => {
    const reads = routes.filter(({ method, path, id }) => method === 'GET' && isOwned({ path }) && !engines.has(id));

    const answers = await Promise.all(
      reads.map(async (route) => [route.id, (await ask(route, owner.headers)).statusCode]),
    );

    assert.ok(reads.length >= 25, `${reads.length} routes`);
    assert.deepEqual(
      answers,
      reads.map(({ id }) => [id, 200]),
    );
  });

  it('never get another’s: on every route a foreign id is not found', async () => {
    const named = routes.filter(isOwned);

    const answers = await Promise.all(
      named.map(async (route) => [route.id, (await ask(route, stranger.headers)).statusCode]),
    );

    assert.ok(named.length >= 50, `${named.length} routes`);
    assert.deepEqual(
      answers,
      named.map(({ id }) => [id, 404]),
    );
    assert.deepEqual(api.failures, []);
  });

  it('are refused what belongs to the whole installation', async () => {
    const system = routes.filter(({ path }) => path.startsWith('/system/'));

    const answers = await Promise.all(
      system.map(async (route) => [route.id, (await ask(route, owner.headers)).statusCode]),
    );

    assert.ok(system.length >= 6, `${system.length} routes`);
    assert.deepEqual(
      answers,
      system.map(({ id }) => [id, 403]),
    );
  });

  it('need a token on every route that is not public', async () => {
    const isPublic = new Set(['health', 'version', 'manifestSchema']);

    const answers = await Promise.all(routes.map(async (route) => [route.id, (await ask(route, {})).statusCode]));

    assert.deepEqual(
      answers,
      routes.map(({ id }) => [id, isPublic.has(id) ? 200 : 401]),
    );
  });

  it('see only what is theirs in lists and events', async () => {
    const [projects, tokens, events] = await Promise.all([
      stranger.client.listProjects(),
      stranger.client.listTokens(),
      stranger.client.listEvents({ limit: 100 }),
    ]);

    assert.deepEqual(projects.data, []);
    assert.deepEqual(
      tokens.data.map(({ id }) => id),
      [stranger.token.id],
    );
    assert.ok(events.data.every(({ subject_id }) => subject_id !== thing.runId && subject_id !== thing.tokenId));
  });

  it('reach only one project with a token of that project', async () => {
    const other = await owner.client.createProject({ name: 'Blog' });
    const { token } = await owner.client.createToken({ name: 'narrow', scopes: ['admin'], project_id: other.id });
    const headers = { authorization: `Bearer ${token}` };
    // What is asked of the installation is refused to everybody here, which other tests show.
    const named = routes.filter(isOwned);

    const answers = await Promise.all(named.map(async (route) => [route.id, (await ask(route, headers)).statusCode]));

    for (const [id, status] of answers) assert.ok(status === 404 || status === 403, `${id} answers ${status}`);
  });

  it('see of lists over projects only one with a token of that project, and nothing of the organisation', async () => {
    const other = await owner.client.createProject({ name: 'Wiki' });
    const { token } = await owner.client.createToken({ name: 'slim', scopes: ['admin'], project_id: other.id });
    const get = async (url: string) => api.app.inject({ url, headers: { authorization: `Bearer ${token}` } });

    const answers = await Promise.all(['/board', '/projects', '/queue'].map(get));
    const refused = await Promise.all(['/gc', '/events', '/system/secrets', `/orgs/${thing.orgId}/secrets`].map(get));

    for (const { statusCode, body } of answers) {
      assert.equal(statusCode, 200, body);
      for (const id of [thing.projectId, thing.buildId, thing.runId, thing.deployId, thing.pipelineRunId])
        assert.ok(!body.includes(id), `${id} in ${body.slice(0, 300)}`);
    }
    for (const { statusCode, body } of refused) assert.equal(statusCode, 403, body);
  });
});
