import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Node } from '@eve/adapter-kubernetes';
import { localImage, localName } from './local-image.ts';

const digest = (digit: string) => `sha256:${digit.repeat(64)}`;
const node: Node = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'node' },
  status: {
    images: [
      { names: [`docker.io/library/import-2026-01-02@${digest('1')}`, 'docker.io/library/web:local'] },
      { names: [`ghcr.io/acme/api@${digest('2')}`, 'ghcr.io/acme/api:local'] },
      { names: ['docker.io/library/nameless:local'] },
    ],
  },
};

it('an image that was imported with its digest is there by hand, one that was pulled is not', () => {
  assert.deepEqual(localImage([node], 'web:local'), { id: digest('1'), byHand: true });
  assert.deepEqual(localImage([node], 'ghcr.io/acme/api:local'), { id: digest('2'), byHand: false });
  assert.equal(localImage([node], 'nameless:local'), null);
  assert.equal(localImage([node], 'web:other'), null);
});

it('an image is run by the name that tells its digest', () => {
  assert.equal(localName([node], digest('1')), `docker.io/library/import-2026-01-02@${digest('1')}`);
  assert.equal(localName([node], digest('3')), null);
});
