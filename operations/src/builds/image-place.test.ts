import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseManifest } from '../manifests/parse-manifest.ts';
import { imagePlace, renderImage } from './image-place.ts';

const owner = { organisation: 'acme', project: 'shop' };
const settings = { registryHost: '127.0.0.1:4650' };

function placeOf(registry: string, image?: string) {
  const yaml = `registry: ${registry}\nservices:\n  web:\n    build: .\n${image ? `    image: ${image}\n` : ''}`;
  const manifest = parseManifest(yaml).manifest ?? assert.fail('The manifest is wrong.');
  const { registry: host, repository } = imagePlace(
    manifest,
    manifest.services.web ?? assert.fail('There is no service.'),
    owner,
    settings,
  );
  return `${host}/${repository}`;
}

describe('where an image stands', () => {
  for (const [registry, image, expected] of [
    ['eve', undefined, 'eve/acme/shop/web'],
    ['eve', 'front', 'eve/acme/shop/front'],
    ['eve', '127.0.0.1:4650/acme/shop/front', 'eve/acme/shop/front'],
    ['eve', 'ghcr.io/acme/front', 'ghcr.io/acme/front'],
    ['{ host: ghcr.io }', undefined, 'ghcr.io/web'],
    ['{ host: GHCR.io, namespace: acme }', undefined, 'ghcr.io/acme/web'],
    ['{ host: public.ecr.aws/w7c4v0w3, namespace: acme }', undefined, 'public.ecr.aws/w7c4v0w3/acme/web'],
    ['{ host: index.docker.io, namespace: acme }', undefined, 'docker.io/acme/web'],
    ['{ host: ghcr.io, namespace: acme }', 'front', 'ghcr.io/acme/front'],
    ['{ host: ghcr.io, namespace: acme }', 'quay.io/other/front', 'quay.io/other/front'],
    ['{ host: ghcr.io, namespace: acme }', '127.0.0.1:4650/acme/shop/front', 'eve/acme/shop/front'],
    ['none', 'ghcr.io/acme/front', 'ghcr.io/acme/front'],
  ] as const) {
    it(`with the registry ${registry} and the image ${image ?? 'derived'} is ${expected}`, () => {
      assert.equal(placeOf(registry, image), expected);
    });
  }

  for (const registry of ['eve', '{ host: ghcr.io }'])
    it(`is never another project's part of Eve's registry, with the registry ${registry}`, () => {
      for (const image of ['127.0.0.1:4650/acme/other/web', '127.0.0.1:4650/acme/shopping', '127.0.0.1:4650/library/x'])
        assert.throws(() => placeOf(registry, image), { code: 'manifest_invalid' });
    });

  it('needs an image to be named where there is no registry', () => {
    assert.throws(() => placeOf('none'), { code: 'manifest_invalid', message: /name the image/ });
  });

  it('is written with the host of who asks', () => {
    const place = { registry: 'eve', repository: 'acme/shop/web' };

    assert.equal(renderImage(settings, place, 'local'), '127.0.0.1:4650/acme/shop/web:local');
    assert.equal(renderImage({ registryHost: 'r:1' }, place, 'sha256:0'), 'r:1/acme/shop/web@sha256:0');
    assert.throws(() => renderImage({ registryHost: null }, place), { code: 'registry_unavailable' });
  });
});
