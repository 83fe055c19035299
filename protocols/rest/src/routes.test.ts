import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PlatformError } from '@eve/domain';
import { authorization, idOf, project, run, scriptedApi, spec } from '../testing/scripted.ts';
import * as contract from './contract/index.ts';

describe('the REST API', () => {
  it('answers in the contract’s shape, with ISO times, null for what is unset and no password of a URL', async () => {
    const { app } = await scriptedApi({
      listProjects: async () => ({ items: [project], nextCursor: 'next' }),
    });

    const response = await app.inject({ url: '/projects?limit=1', headers: authorization });

    const page = contract.pageOf(contract.Project.strict()).parse(response.json());
    assert.equal(page.data[0]?.repo_url, 'https://git.example/shop');
    assert.equal(page.data[0]?.created_at, '2026-01-02T03:04:05.678Z');
    assert.equal(page.data[0]?.repo_token_secret, null);
    assert.deepEqual(page.pagination, { limit: 1, offset: 0, count: 1, next_cursor: 'next' });
  });

  it('translates a build’s fields both ways', async () => {
    let asked: unknown;
    const { app } = await scriptedApi({
      createBuild: async (_platform, _caller, _project, request) => {
        asked = request;
        return spec;
      },
    });

    const response = await app.inject({
      method: 'POST',
      url: '/projects/shop/builds',
      headers: authorization,
      payload: {
        git_sha: spec.gitSha,
        manifest_hash: spec.manifestHash,
        inputs: { timeout: '15m', force_rebuild: true },
        registry: { host: 'ghcr.io' },
      },
    });

    assert.equal(response.statusCode, 201);
    assert.deepEqual(asked, {
      gitSha: spec.gitSha,
      manifestHash: spec.manifestHash,
      services: null,
      inputs: { forceRebuild: true, timeoutMs: 900_000 },
      registry: { host: 'ghcr.io' },
      cache: null,
    });
    assert.equal(contract.BuildSpec.strict().parse(response.json()).inputs?.timeout, '900s');
  });

  it('accepts an absent, an empty and an untyped body where every field is optional', async () => {
    const { app } = await scriptedApi({ startBuildRun: async () => run });
    const url = `/builds/${spec.id}/runs`;
    const json = { 'content-type': 'application/json' };

    const answers = await Promise.all([
      app.inject({ method: 'POST', url, headers: authorization }),
      app.inject({ method: 'POST', url, headers: { ...authorization, ...json } }),
      app.inject({ method: 'POST', url, headers: { ...authorization, ...json }, payload: '{}' }),
      app.inject({ method: 'POST', url, headers: { ...authorization, 'content-length': '0' } }),
    ]);

    assert.deepEqual(
      answers.map(({ statusCode }) => statusCode),
      [201, 201, 201, 201],
    );
    contract.BuildRun.strict().parse(answers[0]?.json());
  });

  it('shows why a pending run waits, and its place', async () => {
    const { app } = await scriptedApi({
      findBuildRun: async () => run,
      buildRunWaiting: async () => ({ reason: 'tenant_limit', position: 3 }),
    });

    const response = await app.inject({ url: `/builds/${spec.id}/runs/${run.id}`, headers: authorization });

    assert.deepEqual(response.json().waiting, { reason: 'tenant_limit', position: 3, until: null });
  });

  it('serves environments under both names', async () => {
    const { app } = await scriptedApi({ getConfiguration: async () => null });

    const answers = await Promise.all(
      ['environments', 'envs'].map((name) =>
        app.inject({ url: `/projects/shop/${name}/test/config`, headers: authorization }),
      ),
    );

    assert.deepEqual(
      answers.map(({ statusCode, payload }) => [statusCode, payload]),
      [
        [200, 'null'],
        [200, 'null'],
      ],
    );
  });

  it('finds a release by tag, alone or within a project', async () => {
    const asked: unknown[] = [];
    const { app } = await scriptedApi({
      showRelease: async (_platform, _caller, tag, projectId) => {
        asked.push([tag, projectId]);
        throw new PlatformError('release_tag_ambiguous', 'The tag v1 is in shop and blog.');
      },
    });

    const alone = await app.inject({ url: '/releases/v1', headers: authorization });
    await app.inject({ url: '/releases/v1?project_id=shop', headers: authorization });
    await app.inject({ url: '/projects/shop/releases/by-tag/v1', headers: authorization });

    assert.equal(alone.statusCode, 409);
    assert.deepEqual(asked, [
      ['v1', undefined],
      ['v1', project.id],
      ['v1', project.id],
    ]);
  });

  it('streams an uploaded pack without parsing it', async () => {
    let received = '';
    const { app } = await scriptedApi({
      uploadSource: async (_platform, _caller, _project, { sha, bytes }) => {
        for await (const chunk of bytes) received += Buffer.from(chunk).toString();
        return { sha, sizeBytes: received.length };
      },
    });

    const response = await app.inject({
      method: 'PUT',
      url: `/projects/shop/sources/${spec.gitSha}`,
      headers: { ...authorization, 'content-type': 'application/x-git-pack' },
      payload: 'PACK…',
    });

    assert.equal(received, 'PACK…');
    assert.deepEqual(response.json(), { sha: spec.gitSha, size_bytes: 5 });
  });

  it('describes itself in OpenAPI 3.1, each operation once, and shows a page without foreign parts', async () => {
    const { app } = await scriptedApi({});

    const document = (await app.inject({ url: '/openapi.json' })).json();
    const page = await app.inject({ url: '/docs' });

    const operations = Object.values<Record<string, { operationId: string }>>(document.paths).flatMap(Object.values);
    const ids = operations.map(({ operationId }) => operationId);
    assert.equal(document.openapi, '3.1.0');
    assert.equal(new Set(ids).size, ids.length);
    assert.ok(ids.length > 55, `${ids.length} operations`);
    assert.ok(ids.every((id) => id));
    assert.ok(document.components.schemas.BuildRun && !document.components.schemas.registry);
    const names = JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/g);
    for (const [, name] of names) assert.ok(document.components.schemas[name ?? ''], `${name} is described`);
    assert.match(String(page.headers['content-security-policy']), /default-src 'none'/);
    assert.match(page.payload, /\/projects\/\{project_id\}\/builds/);
    assert.doesNotMatch(page.payload, /<script|src=|https?:/);
  });

  it('says that it is well, and when the database is not', async () => {
    const down = async () => {
      throw new PlatformError('database_unavailable', 'The database does not answer.');
    };
    const well = await scriptedApi({}, { store: { ping: async () => undefined } });
    const ill = await scriptedApi({}, { store: { ping: down } });

    const [good, bad, version] = await Promise.all([
      well.app.inject({ url: '/health' }),
      ill.app.inject({ url: '/health' }),
      ill.app.inject({ url: '/health/version' }),
    ]);

    assert.deepEqual([good.statusCode, good.json().status], [200, 'ok']);
    assert.deepEqual([bad.statusCode, bad.json().database], [503, 'unavailable']);
    assert.deepEqual(version.json(), { version: '1.2.3', gitSha: null, buildTime: null });
  });

  it('knows every id of its samples as one of the contract', () => {
    assert.ok(contract.BuildId.safeParse(idOf('bld')).success);
    assert.ok(!contract.BuildId.safeParse(idOf('brun')).success);
  });
});
