import assert from 'node:assert/strict';
import { it } from 'node:test';
import { noLocalImage } from './resolve-images.ts';

it('an image made by hand that is missing is asked for where it has to be: in the engine, or on the cluster’s machines', () => {
  const [machine, cluster] = (['machine', 'cluster'] as const).map((addresses) =>
    noLocalImage({ addresses }, 'acme/web:local'),
  );

  assert.deepEqual([machine?.code, cluster?.code], ['image_unknown', 'image_unknown']);
  assert.match(machine?.message ?? '', /local engine .*acme\/web:local.*docker build -t acme\/web:local/);
  assert.match(cluster?.message ?? '', /acme\/web:local.*ctr images import --digests.*k3d image import/);
});
