import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BuildCache, RegistrySetting } from '@eve/domain';
import { type CacheQuestion, cacheLocations } from './cache-locations.ts';

const own: RegistrySetting = {
  ...{ mode: 'own', host: 'ghcr.example/team', namespace: 'apps' },
  ...{ usernameSecret: 'REGISTRY_USERNAME', tokenSecret: 'REGISTRY_PASSWORD' },
};

function located(cache: BuildCache | null, over: Partial<CacheQuestion> = {}) {
  return cacheLocations({
    cache,
    manifest: { registry: { mode: 'eve' } },
    owner: { organisation: 'acme', project: 'shop' },
    service: 'web',
    settings: { registryHost: 'reg.test:5000', cacheDir: '/data/cache', buildCache: 'engine' },
    cacheExport: true,
    ...over,
  });
}

const registry = (reference: string) => [{ type: 'registry', reference }];

describe('the cache of a build', () => {
  it('is the engine’s own unless the operator or the build says otherwise', () => {
    assert.deepEqual(located(null), { from: [], to: [] });
    assert.deepEqual(located({}), { from: [], to: [] });
  });

  it('lies in the project’s part of the registry when the operator wants that', () => {
    const settings = { registryHost: 'reg.test:5000', cacheDir: '/data/cache', buildCache: 'registry' } as const;
    const place = registry('reg.test:5000/acme/shop/cache:web');

    assert.deepEqual(located(null, { settings }), { from: place, to: place });
    assert.deepEqual(located(null, { settings, cacheExport: false }), { from: [], to: [] });
    assert.deepEqual(located(null, { settings, manifest: { registry: { mode: 'none' } } }), { from: [], to: [] });
    assert.deepEqual(located({ disabled: true }, { settings }), { from: [], to: [] });
  });

  it('is where the build asks: its registry, a directory of its project, an image', () => {
    const { from, to } = located({ from: ['registry', 'docker.io/acme/layers:1'], to: ['local'] });

    assert.deepEqual(from, [...registry('reg.test:5000/acme/shop/cache:web'), ...registry('docker.io/acme/layers:1')]);
    assert.deepEqual(to, [{ type: 'local', directory: '/data/cache/acme/shop/web' }]);
    assert.deepEqual(
      located({ to: ['registry'] }, { manifest: { registry: own } }).to,
      registry('ghcr.example/team/apps/shop-cache:web'),
    );
  });

  it('is never another project’s or tenant’s', () => {
    for (const other of ['reg.test:5000/acme/other/cache:web', 'reg.test:5000/evil/shop/cache:web']) {
      assert.throws(() => located({ from: [other] }), { code: 'request_invalid', message: /acme\/shop\// });
    }
    assert.deepEqual(
      located({ from: ['reg.test:5000/acme/shop/mine:1'] }).from,
      registry('reg.test:5000/acme/shop/mine:1'),
    );
  });

  it('is refused where it has no place', () => {
    const none = { manifest: { registry: { mode: 'none' } } } as const;

    assert.throws(() => located({ to: ['registry'] }, none), { code: 'request_invalid', message: /no registry/ });
    assert.throws(() => located({ to: ['../../etc'] }), { code: 'request_invalid' });
    assert.throws(() => located({ to: ['type=local,dest=/etc'] }), { code: 'request_invalid' });
  });
});
