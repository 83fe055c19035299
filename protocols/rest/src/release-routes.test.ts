import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Release } from '@eve/domain';
import { authorization, caller, idOf, project, scriptedApi, spec } from '../testing/scripted.ts';
import { eveClient } from './client.ts';
import * as contract from './contract/index.ts';

const headers = authorization;
const at = new Date('2026-01-02T03:04:05.678Z');
const image = {
  image: { registry: 'ghcr.io', repository: 'acme/web' },
  digest: `sha256:${'d'.repeat(64)}`,
  platforms: [],
};
const release: Release = {
  id: idOf('rel'),
  tenantId: caller.tenantId,
  projectId: project.id,
  gitSha: 'a'.repeat(40),
  manifestHash: 'b'.repeat(64),
  images: { web: image },
  buildId: spec.id,
  version: '1.0.0+build.5',
  tag: 'v1.0.0+build.5',
  local: false,
  createdBy: 'token:test',
  createdAt: at,
};
const block = { releaseId: release.id, reason: 'leaks', blockedBy: 'token:ann', blockedAt: at };
const renderImage = () => 'ghcr.io/acme/web';
const base = '/projects/shop/releases';

describe('routes of releases', () => {
  it('take version and tag with build metadata, and tell what could not be looked at', async () => {
    const asked: unknown[] = [];
    const { app } = await scriptedApi({
      renderImage,
      createRelease: async (_platform, _caller, _project, request) => {
        asked.push(request);
        return { release, note: 'no history' };
      },
    });
    const create = (payload: object) => app.inject({ method: 'POST', url: base, headers, payload });

    const created = await create({ build_id: spec.id, version: 'v1.0.0+build.5', tag: 'v1.0.0+build.5' });
    const refused = await create({ build_id: spec.id, tag: 'a/b' });

    assert.equal(contract.CreatedRelease.strict().parse(created.json()).note, 'no history');
    assert.deepEqual(asked, [{ buildId: spec.id, version: 'v1.0.0+build.5', tag: 'v1.0.0+build.5' }]);
    assert.equal(refused.statusCode, 400);
  });

  it('hand all filters of a list on', async () => {
    const asked: unknown[] = [];
    const { app } = await scriptedApi({
      renderImage,
      listReleases: async (_platform, _caller, _project, page) => {
        asked.push(page);
        return { items: [{ release, block }], nextCursor: null };
      },
    });

    const query = `git_sha=aaaa&version=1.0.0&tag=v1&build_id=${spec.id}&blocked=false&since=2026-01-01&limit=5`;
    const { json } = await app.inject({ url: `${base}?${query}`, headers });

    assert.equal(contract.ListedRelease.strict().parse(json().data[0]).block?.reason, 'leaks');
    const filters = { gitSha: 'aaaa', version: '1.0.0', tag: 'v1', buildId: spec.id, blocked: false };
    assert.deepEqual(asked, [{ limit: 5, ...filters, since: new Date('2026-01-01T00:00:00Z') }]);
    for (const wrong of ['git_sha=main', 'blocked=maybe', 'since=soon', 'sha=aaaa'])
      assert.equal((await app.inject({ url: `${base}?${wrong}`, headers })).statusCode, 400, wrong);
  });

  it('show, block, unblock, delete and prune by a tag with a plus sign', async () => {
    const asked: unknown[] = [];
    const { app } = await scriptedApi({
      renderImage,
      showRelease: async (_platform, _caller, tag, projectId) => {
        asked.push(['show', tag, projectId]);
        const running = [{ environment: 'test', revision: 3, since: at, by: null }];
        return { release, block, build: spec, running };
      },
      blockRelease: async (_platform, _caller, about) => {
        asked.push(['block', about.release, about.reason]);
        return { release, block };
      },
      unblockRelease: async (_platform, _caller, about) => {
        asked.push(['unblock', about.release]);
        return release;
      },
      deleteRelease: async (_platform, _caller, about) => {
        asked.push(['delete', about.release]);
        return release;
      },
      pruneReleases: async (_platform, _caller, _project, keep) => {
        asked.push(['prune', keep]);
        return { deleted: [release], kept: [{ release, reason: 'it runs in test' }] };
      },
      releaseManifest: async (_platform, _caller, tag) => `tag: ${tag}\n`,
    });
    await using _closing = { [Symbol.asyncDispose]: () => app.close() };
    const client = eveClient({ url: await app.listen({ host: '127.0.0.1', port: 0 }), token: 'eve_good' });
    const tag = 'v1.0.0+build.5';

    const shown = contract.ReleaseDetail.strict().parse(await client.getRelease(tag, 'shop'));
    const blocked = contract.ListedRelease.strict().parse(await client.blockRelease('shop', tag, { reason: 'leaks' }));
    const unblocked = await client.unblockRelease('shop', tag);
    await client.deleteRelease('shop', tag);
    const pruned = contract.PrunedReleases.strict().parse(await client.pruneReleases('shop'));
    const yaml = await client.releaseManifest('shop', tag);

    assert.deepEqual(shown.running_in, [{ env_name: 'test', revision: 3, since: at.toISOString(), by: null }]);
    assert.equal(shown.build_number, 1);
    assert.deepEqual([blocked.block?.blocked_by, unblocked.block], ['token:ann', null]);
    assert.deepEqual(pruned.kept, [{ id: release.id, tag, reason: 'it runs in test' }]);
    assert.equal(yaml, `tag: ${tag}\n`);
    assert.deepEqual(asked, [
      ['show', tag, project.id],
      ['block', tag, 'leaks'],
      ['unblock', tag],
      ['delete', tag],
      ['prune', undefined],
    ]);
    await assert.rejects(client.blockRelease('shop', tag, { reason: '' }), { status: 400 });
  });

  it('answer a manifest as YAML', async () => {
    const { app } = await scriptedApi({ releaseManifest: async () => 'kind: ConfigMap\n' });

    const { headers: given, payload } = await app.inject({ url: `${base}/by-tag/v1/manifest`, headers });

    assert.equal(given['content-type'], 'application/yaml; charset=utf-8');
    assert.equal(payload, 'kind: ConfigMap\n');
  });

  it('compare two releases', async () => {
    const asked: unknown[] = [];
    const side = { reference: 'ghcr.io/acme/web', digest: image.digest, sizeBytes: 1234 };
    const { app } = await scriptedApi({
      renderImage,
      diffReleases: async (_platform, _caller, about) => {
        asked.push(about);
        return {
          before: release,
          after: release,
          commits: [{ sha: 'a'.repeat(40), author: 'Ann', at, message: 'feat: x' }],
          commitsComplete: true,
          manifest: [{ service: 'web', what: 'replicas', before: '1', after: '2' }],
          images: [
            {
              ...{ service: 'web', before: null, after: side, same: false },
              packages: [{ name: 'zlib', before: '1', after: null }],
            },
          ],
          configuration: [{ service: '*', key: 'A', before: null, after: { secret: 'B' } }],
          notes: [],
        };
      },
    });

    const { json } = await app.inject({ url: `${base}/diff?from=v1&to=v2&from_env=test`, headers });
    const incomplete = await app.inject({ url: `${base}/diff?from=v1`, headers });

    const diff = contract.ReleaseDiff.strict().parse(json());
    assert.equal(diff.images[0]?.after?.size_bytes, 1234);
    assert.deepEqual(diff.configuration?.[0]?.after, { secret: 'B' });
    assert.deepEqual(asked, [{ projectId: project.id, before: 'v1', after: 'v2', beforeEnv: 'test' }]);
    assert.equal(incomplete.statusCode, 400);
  });
});
