import type { Blobs } from '@eve/operations';
import { checkKey, isKey } from '../keys.ts';
import { type BucketOptions, s3Bucket } from './bucket.ts';
import { type ListedObject, listPageOf } from './documents.ts';
import { download } from './download.ts';
import { unusable } from './refusal.ts';
import { upload } from './upload.ts';

export interface S3BlobsOptions extends BucketOptions {
  /** Where in the bucket ours are, without a slash around it; empty: everywhere. */
  readonly prefix: string;
}

const deletedAtOnce = 8;

/** Blobs as objects of an S3 bucket, which every process of an installation shares. */
export function s3Blobs({ prefix, ...options }: S3BlobsOptions): Blobs {
  if (prefix !== '') checkKey(prefix);
  const bucket = s3Bucket(options);
  const before = prefix === '' ? '' : `${prefix}/`;
  const objectOf = (key: string) => {
    checkKey(key);
    return `${before}${key}`;
  };

  /** Objects of others in the same place are left alone. */
  async function* listed(start: string): ReturnType<Blobs['list']> {
    for (let next: string | null = ''; next !== null; ) {
      const query = { 'list-type': '2', prefix: start, ...(next !== '' && { 'continuation-token': next }) };
      const { body } = await bucket.send({ method: 'GET', query });
      const page = listPageOf(await new Response(body as ReadableStream<Uint8Array<ArrayBuffer>>).text());
      if (page === null) throw unusable(bucket.place, 'does not list its objects as S3 does');
      yield* page.objects.flatMap(({ name, ...rest }: ListedObject) => {
        const key = name.slice(before.length);
        return name.startsWith(start) && isKey(key) ? [{ key, ...rest }] : [];
      });
      next = page.next;
    }
  }

  async function remove(object: string): Promise<void> {
    const { body } = await bucket.send({ method: 'DELETE', object, expected: [404] });
    await body?.cancel();
  }

  return {
    put: async (key, bytes, { maxBytes }) => upload(bucket, objectOf(key), bytes, maxBytes),
    get: async (key, range) => download(bucket, objectOf(key), range),
    list: (key) => listed(`${objectOf(key)}/`),

    async has(key) {
      const { status } = await bucket.send({ method: 'HEAD', object: objectOf(key), expected: [404] });
      return status !== 404;
    },

    delete: async (key) => remove(objectOf(key)),

    async deleteBelow(key) {
      let waiting: string[] = [];
      const removeWaiting = async () => {
        await Promise.all(waiting.map(remove));
        waiting = [];
      };
      for await (const each of listed(`${objectOf(key)}/`)) {
        waiting.push(`${before}${each.key}`);
        if (waiting.length === deletedAtOnce) await removeWaiting();
      }
      await removeWaiting();
    },
  };
}
