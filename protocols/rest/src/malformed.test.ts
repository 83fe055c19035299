import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { directoryBlobs, directoryLogSpool } from '@eve/adapter-blobs';
import { vault } from '@eve/adapter-keys';
import { registryLogins } from '@eve/adapter-registries';
import {
  scriptedBuilder,
  scriptedDeployer,
  scriptedRegistry,
  scriptedRouter,
  scriptedRunner,
  scriptedSource,
} from '@eve/operations/testing';
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

const long = 'x'.repeat(3000);
const nobodys = 'rel_01h455vb4pex5vsknk084sn02q';
/** Texts in place of a parameter of a path or a query. */
const oddTexts = [
  ...[
    '',
    ' ',
    '0',
    '-1',
    '1.5',
    '1e9',
    '99999999999999999999',
    'null',
    'true',
    '[]',
    '*',
    '%',
    "'",
    '../..',
    'a/b',
    '--all',
  ],
  ...[
    'v1@sha256:',
    '\n',
    '\u0001',
    '\u{1f600}',
    '__proto__',
    'constructor',
    'toString',
    'test#1',
    'WzEsMl0',
    nobodys,
    long,
  ],
  ...['2026-13-45', '9999-99-99T99:99:99Z', '+275761-01-01T00:00:00Z', '-000001-01-01T00:00:00Z', '99999999999999d'],
].map(encodeURIComponent);
/** What no text is encoded to. */
const oddBytes = ['%00', '%ff', '%ed%a0%80', '%zz', '%c3%28', '%2e%2e%2f'];
/** Values in place of a field of a body. */
const oddValues: readonly unknown[] = [
  ...[null, true, 0, -1, 1.5, 2 ** 31, 2 ** 53, 1e308],
  ...['', ' ', 'x', '..', '-x', '\n', '\u0000', '\ud800', '\u{1f600}', nobodys, '99999999999999h', '9999-99-99', long],
  ...[[], [[]], [null], [{}], [''], ['x', 'x'], [long]],
  ...[
    {},
    { '': '' },
    { x: null },
    { x: {} },
    { x: [] },
    { A: long },
    { [long]: 'x' },
    { constructor: {} },
    { secret: null },
  ],
  ...[
    { type: 'canary', steps: [1e9] },
    { type: 'x' },
    { strategy: 'canary' },
    { release_tag: '' },
    { stabilise: '99999d' },
  ],
];
const oddBodies = [
  ...['', ' ', 'null', '[]', '[{}]', '""', '0', '{', '{"a":1,}', '{"x":NaN}', '\u0000', '['.repeat(2000)],
  ...['{"__proto__":1}', '{"constructor":{"prototype":1}}'],
];
const oddHeaders = [
  ...['5', '"x"', '"99999999999999999999"', 'W/"1"', '', '"1", "2"', '*'].map((text) => ({ 'if-match': text })),
  ...['', 'a b', long].map((text) => ({ 'idempotency-key': text })),
  ...['x', '-1', '99999999999999999999', '999999999999999-1'].map((text) => ({ 'last-event-id': text })),
  ...['text/plain', '', 'application/json; charset=utf-16'].map((text) => ({ 'content-type': text })),
  ...['', 'x'].map((text) => ({ accept: text })),
  { 'x-eve-correlation-id': long },
];

/** Parameters that one place reads for all routes: each route gets a part of the odd texts, together they get all. */
const shared = new Set(['project_id', 'owner_id', 'env_name', 'limit', 'cursor', 'offset', 'unknown']);
const parts = 6;

function textsFor(name: string, turn: number): readonly string[] {
  const all = [...oddTexts, ...oddBytes];
  return shared.has(name) ? all.filter((_text, index) => (index + turn) % parts === 0) : all;
}

describe('malformed requests', () => {
  let api: RealApi;
  let tenant: Tenant;
  let thing: Furniture;
  let routes: readonly Route[];
  let directory: string;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'eve-malformed-'));
    const registry = scriptedRegistry();
    api = await realApi({
      blobs: directoryBlobs(join(directory, 'blobs')),
      logSpool: directoryLogSpool({ directory: join(directory, 'spool'), maxBytes: 1024 * 1024 }),
      vault: vault({ id: 'test', version: 1, bytes: randomBytes(32) }),
      source: scriptedSource(),
      builders: { buildx: scriptedBuilder(registry) },
      registry,
      registryTokens: null,
      registryLogins: registryLogins({ key: randomBytes(32), host: '127.0.0.1:5000' }),
      deployer: scriptedDeployer(),
      router: scriptedRouter(),
      runner: scriptedRunner(),
      registryStorage: null,
    });
    // The first organisation is the operator's: it may ask on every route.
    tenant = await api.tenant('acme');
    thing = await furnish(api, tenant);
    const last = (route: Route) => Number(/^(lock|suspend)Environment$/.test(route.id));
    // Behind a lock nothing else would be asked.
    routes = (await everyRoute(api)).toSorted((one, other) => last(one) - last(other));
  });
  after(async () => {
    await api[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  interface Asked {
    readonly url?: string;
    readonly body?: string;
    readonly headers?: Readonly<Record<string, string>>;
  }

  /** Asks, and says what was wrong with the answer: null where it was a right one. */
  async function wrongWith(route: Route, { url, body, headers }: Asked): Promise<string | null> {
    const { method } = route;
    const hasBody = method === 'POST' || method === 'PATCH' || method === 'PUT';
    const address = url ?? pathWith(route, placesFor(route, thing)) + queryFor(route);
    const payload = body ?? (hasBody ? JSON.stringify(bodyFor(route, thing)) : undefined);
    const answer = await api.app.inject({
      method,
      url: address,
      headers: {
        ...tenant.headers,
        ...(payload !== undefined && {
          'content-type': route.id === 'uploadSource' ? 'application/x-git-pack' : 'application/json',
        }),
        ...headers,
      },
      ...(payload !== undefined && { payload }),
    });
    if (answer.statusCode < 500) return null;
    const failure = JSON.stringify(api.failures.at(-1)) ?? '';
    const asked = `${method} ${address} ${payload ?? ''} ${JSON.stringify(headers ?? {})}`;
    return `${answer.statusCode} ${asked.slice(0, 300)}: ${failure.slice(0, 600)}`;
  }

  async function wrongOf(asked: readonly (readonly [Route, Asked])[]): Promise<readonly string[]> {
    const wrong: (string | null)[] = [];
    for (const [route, each] of asked) wrong.push(await wrongWith(route, each));
    return wrong.filter((sentence) => sentence !== null);
  }

  it('cannot hide behind what the description of the API leaves out', () => {
    const withFields = routes.filter(({ fields }) => fields.length > 0);
    const withQuery = routes.filter(({ query }) => query.length > 0);

    assert.ok(withFields.length >= 20, `${withFields.length} routes have fields`);
    assert.ok(withQuery.length >= 20, `${withQuery.length} routes have a query`);
  });

  it('are answered on every route where a part of the path is odd, never with an error of ours', async () => {
    const asked = routes.flatMap((route, turn) => {
      const places = placesFor(route, thing);
      return Object.keys(places).flatMap((name) =>
        textsFor(name, turn).map((odd) => {
          return [route, { url: pathWith(route, { ...places, [name]: odd }) + queryFor(route) }] as const;
        }),
      );
    });

    assert.deepEqual(await wrongOf(asked), []);
  });

  it('are answered on every route where the query is odd', async () => {
    const asking = routes.filter(({ method }) => method !== 'DELETE');
    const asked = asking.flatMap((route, turn) => {
      const url = pathWith(route, placesFor(route, thing));
      const fixed = queryFor(route).slice(1).split('&');
      return (
        route.query
          // What is followed does not end.
          .filter((name) => name !== 'follow')
          .flatMap((name) => {
            const others = fixed.filter((pair) => pair !== '' && !pair.startsWith(`${name}=`));
            const odd = textsFor(name, turn).map((text) => `${name}=${text}`);
            return [...odd, `${name}=1&${name}=2`, `${name}[]=1`, `${name}[x]=1`].map((pair) => {
              return [route, { url: `${url}?${[...others, pair].join('&')}` }] as const;
            });
          })
      );
    });

    assert.deepEqual(await wrongOf(asked), []);
  });

  it('are answered on every route where a field of the body, or all of it, is odd', async () => {
    const asked = routes
      .filter(({ method }) => method !== 'GET' && method !== 'DELETE')
      .flatMap((route) => [
        ...route.fields.flatMap((name) =>
          oddValues.map((odd) => [route, { body: JSON.stringify({ ...bodyFor(route, thing), [name]: odd }) }] as const),
        ),
        ...oddBodies.map((body) => [route, { body }] as const),
      ]);

    assert.deepEqual(await wrongOf(asked), []);
  });

  it('are answered on every route where a header is odd', async () => {
    const asked = routes
      .filter(({ method }) => method !== 'DELETE')
      .flatMap((route, turn) =>
        // Hooks read most of them before any route does: together the routes get all.
        oddHeaders
          .filter((_headers, index) => (index + turn) % 3 === 0)
          .map((headers) => [route, { headers }] as const),
      );

    assert.deepEqual(await wrongOf(asked), []);
  });
});
