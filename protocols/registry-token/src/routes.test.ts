import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { type Organisation, type Project, parseRegistryScope, type RegistryScope, type Scope } from '@eve/domain';
import { tokenHash } from '@eve/operations';
import Fastify, { type FastifyInstance } from 'fastify';
import { type RegistryTokenPlatform, registryTokenRoutes } from './routes.ts';

const internalKey = 'internal-key-of-this-test';
const tokens: Record<string, { scopes: Scope[]; projectId: string | null }> = {
  [`eve_${'r'.repeat(43)}`]: { scopes: ['read'], projectId: null },
  [`eve_${'b'.repeat(43)}`]: { scopes: ['build'], projectId: 'proj_shop' },
  [`eve_${'a'.repeat(43)}`]: { scopes: ['admin'], projectId: null },
};
const [reader, builder, admin] = Object.keys(tokens) as [string, string, string];
let app: FastifyInstance;

/** Only the records that these routes read; the signature is the grant in plain text. */
function scriptedPlatform(): RegistryTokenPlatform {
  const organisation: Pick<Organisation, 'slug'> = { slug: 'acme' };
  const store = {
    organisations: {
      get: async () => organisation,
      count: async () => 1,
      list: async () => ({ items: [organisation] }),
    },
    projects: { get: async (): Promise<Pick<Project, 'slug'>> => ({ slug: 'shop' }) },
    locks: { look: async () => ({ held: false, times: 0 }) },
    tokens: {
      findByHash: async (hash: string) => {
        const found = Object.entries(tokens).find(([text]) => tokenHash(text) === hash);
        return found ? { ...found[1], name: 'test', tenantId: 'org_1', expiresAt: null, revokedAt: null } : null;
      },
    },
  };
  const login = { subject: 'brun_1', prefix: 'acme/shop/', actions: ['pull', 'push'] as const };
  return {
    // A part of the store stands for all of it.
    store: store as unknown as RegistryTokenPlatform['store'],
    settings: { registryService: 'eve-registry', internalApiKey: internalKey } as RegistryTokenPlatform['settings'],
    now: () => new Date(),
    registryTokens: {
      sign: async (grant) => ({ token: JSON.stringify(grant), expiresInSeconds: 300, issuedAt: new Date(0) }),
    },
    registryLogins: {
      issue: () => assert.fail('Nothing is issued here.'),
      check: async (username, password) => (username === 'brun_1' && password === 'run-password' ? login : null),
    },
  };
}

before(async () => {
  app = Fastify();
  await app.register(registryTokenRoutes, { platform: scriptedPlatform() });
});

after(() => app.close());

const basic = (username: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
});

const form = { 'content-type': 'application/x-www-form-urlencoded' };

function granted(body: string): string[] {
  const { scopes } = JSON.parse(JSON.parse(body).token) as { scopes: RegistryScope[] };
  return scopes.map(({ type, name, actions }) => `${type}:${name}:${actions.join(',')}`);
}

const asking = (...scopes: string[]) =>
  `/registry/token?service=eve-registry${scopes.map((scope) => `&scope=${encodeURIComponent(scope)}`).join('')}`;

it('answers in the words of old and of new clients', async () => {
  const answer = await app.inject({ url: asking(), headers: basic('x', reader) });

  const body = answer.json();
  assert.equal(answer.statusCode, 200);
  assert.equal(answer.headers['cache-control'], 'no-store');
  assert.equal(body.access_token, body.token);
  assert.equal(body.expires_in, 300);
  assert.equal(body.issued_at, '1970-01-01T00:00:00.000Z');
});

it('gives nobody more than pulling base images', async () => {
  const answer = await app.inject(asking('repository:library/node:pull,push', 'repository:acme/shop/web:pull'));

  assert.deepEqual(granted(answer.body), ['repository:library/node:pull']);
});

for (const [who, password, expected] of [
  ['a reading token the right to pull', reader, ['repository:acme/shop/web:pull', 'repository:acme/other/web:pull']],
  ['a building token of a project that project only', builder, ['repository:acme/shop/web:pull,push']],
  [
    'an admin token its organisation',
    admin,
    ['repository:acme/shop/web:pull,push', 'repository:acme/other/web:pull,push'],
  ],
] as const) {
  it(`gives ${who}`, async () => {
    const scopes = ['acme/shop/web', 'acme/other/web', 'acmex/shop/web'].map((name) => `repository:${name}:pull,push`);
    const answer = await app.inject({ url: asking(...scopes), headers: basic('anything', password) });

    assert.deepEqual(granted(answer.body), expected);
  });
}

it('takes a form with a run-scoped password, several scopes in one text, and grants the allowed part', async () => {
  const payload = new URLSearchParams({
    grant_type: 'password',
    client_id: 'buildkit-client',
    service: 'eve-registry',
    username: 'brun_1',
    password: 'run-password',
    scope: 'repository:acme/shop/web:pull,push repository:globex/app:pull',
  });
  payload.append('scope', 'repository:acme/shop/api:pull');

  const answer = await app.inject({
    method: 'POST',
    url: '/registry/token',
    headers: form,
    payload: payload.toString(),
  });

  assert.equal(answer.statusCode, 200);
  assert.deepEqual(granted(answer.body), ['repository:acme/shop/web:pull,push', 'repository:acme/shop/api:pull']);
});

for (const [what, request] of Object.entries({
  'a wrong password': { url: asking(), headers: basic('brun_1', 'guess') },
  'an unknown token': { url: asking(), headers: basic('x', `eve_${'z'.repeat(43)}`) },
  'a user without a password': { url: asking(), headers: basic('brun_1', '') },
  'another kind of authorization': { url: asking(), headers: { authorization: 'Bearer x' } },
  'a wrong password in a form': {
    method: 'POST' as const,
    url: '/registry/token',
    headers: form,
    payload: 'grant_type=password&username=brun_1&password=guess&service=eve-registry',
  },
})) {
  it(`answers ${what} with 401 and asks for a password`, async () => {
    const answer = await app.inject(request);

    assert.equal(answer.statusCode, 401);
    assert.match(String(answer.headers['www-authenticate']), /^Basic realm=/);
    assert.equal(answer.json().errors[0].code, 'UNAUTHORIZED');
    assert.ok(!answer.body.includes('guess'));
  });
}

it('refuses to sign for a service that is not its own', async () => {
  const answer = await app.inject('/registry/token?service=other');

  assert.equal(answer.statusCode, 400);
});

it('gives a worker with the internal key what it asks for, names with colons too', async () => {
  const headers = { 'x-eve-internal-token': internalKey };
  const scope = ['repository:host:5000/web:pull,push', 'repository:acme/shop/api:pull'];

  const many = await app.inject({
    method: 'POST',
    url: '/internal/registry/token',
    headers,
    payload: { scope, service: 'eve-registry' },
  });
  const one = await app.inject({
    method: 'POST',
    url: '/internal/registry/token',
    headers,
    payload: { scope: scope[1] },
  });
  const get = await app.inject({ url: `/internal${asking(...scope)}`, headers: basic('worker', internalKey) });

  assert.deepEqual(granted(many.body), scope);
  assert.deepEqual(granted(one.body), [scope[1]]);
  assert.deepEqual(granted(get.body), scope);
  assert.equal(JSON.parse(many.json().token).subject, 'eve-worker');
  assert.equal(parseRegistryScope(scope[0]!)?.name, 'host:5000/web');
});

it('takes the internal key as a bearer and in the form that builders send', async () => {
  const url = '/internal/registry/token';
  const scope = 'repository:acme/shop/web:pull,push';
  const bearer = { authorization: `Bearer ${internalKey}` };
  const fields = { grant_type: 'password', username: 'worker', service: 'eve-registry', scope };
  const payload = (password: string) => new URLSearchParams({ ...fields, password }).toString();

  const json = await app.inject({ method: 'POST', url, headers: bearer, payload: { scope } });
  const filled = await app.inject({ method: 'POST', url, headers: form, payload: payload(internalKey) });
  const wrong = await app.inject({ method: 'POST', url, headers: form, payload: payload('guess') });

  assert.deepEqual(granted(json.body), [scope]);
  assert.deepEqual(granted(filled.body), [scope]);
  assert.equal(wrong.statusCode, 401);
});

it('gives a worker that names its project the part of it that the project owns', async () => {
  const request = (project: string) => ({
    method: 'POST' as const,
    url: '/internal/registry/token',
    headers: { 'x-eve-internal-token': internalKey },
    payload: { project, scope: ['repository:acme/shop/web:pull,push', 'repository:acme/shopping/web:pull'] },
  });

  const answer = await app.inject(request('acme/shop'));

  assert.deepEqual(granted(answer.body), ['repository:acme/shop/web:pull,push']);
  assert.equal((await app.inject(request('acme'))).statusCode, 400);
});

it('answers 503 where there is no signing key', async () => {
  const without = Fastify();
  await without.register(registryTokenRoutes, { platform: { ...scriptedPlatform(), registryTokens: null } });
  const internal = (key: string) => ({
    method: 'POST' as const,
    url: '/internal/registry/token',
    headers: { 'x-eve-internal-token': key },
    payload: { scope: 'repository:acme/shop/web:pull' },
  });

  assert.equal((await without.inject(internal(internalKey))).statusCode, 503);
  assert.equal((await without.inject(internal('guess'))).statusCode, 401);
  assert.equal((await without.inject(asking())).statusCode, 503);
  await without.close();
});

it('refuses the internal way without the key, or with a scope that is none', async () => {
  const url = '/internal/registry/token';
  const headers = { 'x-eve-internal-token': internalKey };

  assert.equal((await app.inject({ method: 'POST', url, payload: { scope: 'repository:a:pull' } })).statusCode, 401);
  assert.equal((await app.inject({ url, headers: basic('x', reader) })).statusCode, 401);
  assert.equal((await app.inject({ method: 'POST', url, headers, payload: { scope: 'nonsense' } })).statusCode, 400);
  assert.equal((await app.inject({ method: 'POST', url, headers, payload: { scope: 7 } })).statusCode, 400);
  const unknown = { scope: 'repository:acme/shop/web:fly' };
  assert.equal((await app.inject({ method: 'POST', url, headers, payload: unknown })).statusCode, 400);
});
