import assert from 'node:assert/strict';
import { it } from 'node:test';
import { bucketAddress } from './address.ts';

for (const [bucket, endpoint, region, expected] of [
  ['eve', null, 'eu-central-1', 'https://eve.s3.eu-central-1.amazonaws.com/'],
  ['eve.example', null, 'eu-central-1', 'https://s3.eu-central-1.amazonaws.com/eve.example/'],
  ['eve', null, 'cn-north-1', 'https://eve.s3.cn-north-1.amazonaws.com.cn/'],
  ['eve', 'https://s3.example.com', 'any', 'https://s3.example.com/eve/'],
  ['eve', 'http://10.0.0.1:9000/storage/v1//', 'any', 'http://10.0.0.1:9000/storage/v1/eve/'],
] as const) {
  it(`finds ${bucket} at ${endpoint ?? `Amazon in ${region}`}`, () => {
    assert.equal(bucketAddress({ bucket, endpoint, region }).href, expected);
  });
}
