import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { trimLayerCaches } from './layer-caches.ts';

it('layer caches stay under their budget, and those not written for longest go first', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'eve-layers-'));
  for (const [index, service] of ['oldest', 'older', 'newest'].entries()) {
    const file = join(directory, 'acme', 'shop', service, 'blobs', 'sha256');
    await mkdir(file, { recursive: true });
    await writeFile(join(file, 'blob'), Buffer.alloc(1000));
    await utimes(join(file, 'blob'), 1_700_000_000 + index, 1_700_000_000 + index);
  }

  const untouched = await trimLayerCaches({ directory, maxBytes: 3_000 });
  const left = await trimLayerCaches({ directory, maxBytes: 1_500 });

  assert.equal(untouched, 3_000);
  assert.equal(left, 1_000);
  assert.deepEqual(await readdir(join(directory, 'acme', 'shop')), ['newest']);
  assert.equal(await trimLayerCaches({ directory: join(directory, 'nowhere'), maxBytes: 1 }), 0);
  await rm(directory, { recursive: true });
});
