import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { furnish, manifestYaml, type RealApi, realApi, type Tenant } from '../testing/real.ts';

type Furniture = Awaited<ReturnType<typeof furnish>>;
interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly id: string;
}

/** Bodies that are valid, so that what is refused is the caller. */
function bodyOf(id: string, { gitSha, manifestHash }: Furniture): object {
  const bodies: Record<string, object> = {
    syncManifest: { yaml: manifestYaml },
    createBuild: { git_sha: gitSha, manifest_hash: manifestHash },
    createRelease: { git_sha: gitSha, manifest_hash: manifestHash },
    blockRelease: { reason: 'x' },
    createEnvironment: { name: 'other' },
    updateEnvironment: { settings: { drift: 'repair' } },
    lockEnvironment: { reason: 'x' },
    requestDeploy: { release_tag: 'v1' },
    startPipelineRun: { git_sha: gitSha },
    setSecret: { key: 'A', value: 'b' },
    setSecretOfOrganisation: { key: 'A', value: 'b' },
    changeSecret: { value: 'b' },
    changeSecretOfOrganisation: { value: 'b' },
    setSecretOfSystem: { key: 'A', value: 'b' },
    changeSecretOfSystem: { value: 'b' },
    validateSecrets: { keys: ['A'] },
    setConfiguration: { set: { A: 'b' } },
  };
  return bodies[id] ?? {};
}

const queries: Record<string, string> = {
  resolveRef: '?ref=main',
  environmentLogs: '?service=web',
  diffReleases: '?from=v1&to=v1',
};
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

function pathFor({ path, id }: Route, thing: Furniture): string {
  const values: Record<string, string> = {
    project_id: thing.projectId,
    owner_id: path.startsWith('/orgs') ? thing.orgId : thing.projectId,
    token_id: thing.tokenId,
    build_id: thing.buildId,
    run_id: path.startsWith('/pipeline-runs') ? thing.pipelineRunId : thing.runId,
    deploy_id: thing.deployId,
    tag: thing.releaseId,
    env_name: 'test',
    pipeline: 'deploy',
    service: 'web',
    key: 'PASSWORD',
    number: '1',
    sha: thing.gitSha,
  };
  const filled = path.replace(/\{(\w+)\}/g, (_all, name: string) => {
    assert.ok(values[name], `a value for {${name}}`);
    return values[name];
  });
  return filled + (queries[id] ?? '');
}

describe('tenants', () => {
  let api: RealApi;
  let owner: Tenant;
  let stranger: Tenant;
  let thing: Furniture;
  let routes: Route[];

  before(async () => {
    api = await realApi();
    await api.tenant('operator');
    owner = await api.tenant('owner');
    stranger = await api.tenant('stranger');
    thing = await furnish(api, owner);
    const { paths } = (await api.app.inject({ url: '/openapi.json' })).json();
    routes = Object.entries<Record<string, { operationId: string }>>(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId: id }]) => {
        return { method: method.toUpperCase() as Route['method'], path, id };
      }),
    );
  });
  after(() => api[Symbol.asyncDispose]());

  async function ask(route: Route, headers: Record<string, string>) {
    const hasBody = route.method === 'POST' || route.method === 'PATCH';
    const pack = route.id === 'uploadSource';
    return api.app.inject({
      method: route.method,
      url: pathFor(route, thing),
      headers: { ...headers, ...(pack && { 'content-type': 'application/x-git-pack' }) },
      ...(hasBody && { payload: bodyOf(route.id, thing) }),
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
    const { token } = await owner.client.createToken({ name: 'narrow', scopes: ['read'], project_id: other.id });
    const headers = { authorization: `Bearer ${token}` };
    const reads = routes.filter(({ method, path }) => method === 'GET' && path.includes('{'));

    const answers = await Promise.all(reads.map(async (route) => [route.id, (await ask(route, headers)).statusCode]));

    for (const [id, status] of answers) assert.ok(status === 404 || status === 403, `${id} answers ${status}`);
  });
});
