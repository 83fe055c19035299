import assert from 'node:assert/strict';
import { all, testBlobs, testS3 } from '../../testing/index.ts';
import { s3Blobs } from './blobs.ts';
import { s3Bucket } from './bucket.ts';

for (const prefix of ['', 'eve/blobs']) {
  testBlobs(`in S3 with the prefix ${JSON.stringify(prefix)}`, async () => {
    const s3 = await testS3();
    if ('missing' in s3) return s3;
    return {
      blobs: s3Blobs({ ...s3, prefix }),
      async assertNoHalves() {
        const { body } = await s3Bucket(s3).send({ method: 'GET', query: { uploads: '' } });
        const uploads = Buffer.concat(await all(body!)).toString();
        assert.match(uploads, /<ListMultipartUploadsResult/);
        assert.doesNotMatch(uploads, /<Upload>/);
      },
      [Symbol.asyncDispose]: s3[Symbol.asyncDispose],
    };
  });
}
