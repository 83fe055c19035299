import { createHash, type Hash } from 'node:crypto';
import { tooLarge } from '../keys.ts';
import type { Bucket } from './bucket.ts';
import { completionOf, elementOf, type UploadedPart } from './documents.ts';
import { unusable } from './refusal.ts';

/** S3 takes 10,000 parts at most, and 5 MiB is the least that one may have: so they grow where there are many. */
const firstPartBytes = 8 * 1024 * 1024;
const growsAfter = 1_000;
const abortMs = 15_000;

/** Stores bytes as one object, whole or not at all: what is larger than one part as an upload of parts. */
export async function upload(
  bucket: Bucket,
  object: string,
  bytes: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<{ sizeBytes: number; sha256: string }> {
  const whole = createHash('sha256');
  let sizeBytes = 0;
  let held: Buffer = Buffer.alloc(0);
  let parts: PartUpload | null = null;
  try {
    for await (const part of inParts(limited(bytes, maxBytes, whole))) {
      if (sizeBytes > 0) {
        parts ??= await beginParts(bucket, object);
        await parts.add(held);
      }
      sizeBytes += part.byteLength;
      held = part;
    }
    if (parts) {
      await parts.add(held);
      await parts.complete();
    } else {
      const headers = { 'x-amz-checksum-sha256': sha256Of(held) };
      const { body } = await bucket.send({ method: 'PUT', object, headers, body: held });
      await body?.cancel();
    }
  } catch (error) {
    await parts?.abort();
    throw error;
  }
  return { sizeBytes, sha256: whole.digest('hex') };
}

interface PartUpload {
  add(part: Buffer): Promise<void>;
  complete(): Promise<void>;
  /** Whatever was uploaded of it is removed; where that fails, the bucket's own rule for old uploads does it. */
  abort(): Promise<void>;
}

async function beginParts(bucket: Bucket, object: string): Promise<PartUpload> {
  const headers = { 'x-amz-checksum-algorithm': 'SHA256' };
  const begun = await textOf(await bucket.send({ method: 'POST', object, query: { uploads: '' }, headers }));
  const uploadId = elementOf(begun, 'UploadId');
  if (!uploadId) throw unusable(bucket.place, 'does not take uploads of parts');
  const parts: UploadedPart[] = [];
  return {
    async add(part) {
      const [number, sha256] = [parts.length + 1, sha256Of(part)];
      const query = { partNumber: String(number), uploadId };
      const checked = { 'x-amz-checksum-sha256': sha256 };
      const answer = await bucket.send({ method: 'PUT', object, query, headers: checked, body: part });
      await answer.body?.cancel();
      parts.push({ number, sha256, etag: answer.headers.get('etag') ?? '' });
    },

    async complete() {
      const body = Buffer.from(completionOf(parts));
      const request = { method: 'POST', object, query: { uploadId }, body, expected: [404] } as const;
      const answer = await bucket.send(request);
      // An attempt whose answer was lost may have been the one that completed it.
      if (answer.status === 404 && (await isStored(bucket, object, parts))) return;
      const said = await textOf(answer);
      // It begins to answer before it has succeeded.
      if (!/<CompleteMultipartUploadResult[\s>]/.test(said))
        throw unusable(
          bucket.place,
          `did not complete an upload (${elementOf(said, 'Code') ?? `status ${answer.status}`})`,
        );
    },

    async abort() {
      const signal = AbortSignal.timeout(abortMs);
      const request = { method: 'DELETE', object, query: { uploadId }, expected: [404], signal } as const;
      await bucket.send(request).catch(() => null);
    },
  };
}

/** Whether an object is made of exactly these parts: its checksum is that of their checksums. */
async function isStored(bucket: Bucket, object: string, parts: readonly UploadedPart[]): Promise<boolean> {
  const headers = { 'x-amz-checksum-mode': 'ENABLED' };
  const found = await bucket.send({ method: 'HEAD', object, headers, expected: [404] });
  const all = Buffer.concat(parts.map(({ sha256 }) => Buffer.from(sha256, 'base64')));
  return found.headers.get('x-amz-checksum-sha256') === `${sha256Of(all)}-${parts.length}`;
}

async function* limited(bytes: AsyncIterable<Uint8Array>, maxBytes: number, hash: Hash): AsyncGenerator<Uint8Array> {
  let sizeBytes = 0;
  for await (const piece of bytes) {
    sizeBytes += piece.byteLength;
    if (sizeBytes > maxBytes) throw tooLarge(maxBytes);
    hash.update(piece);
    yield piece;
  }
}

/** The same bytes in parts that may be uploaded; only the last has less than its size. */
async function* inParts(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let pieces: Uint8Array[] = [];
  let [length, count] = [0, 0];
  for await (const piece of bytes) {
    for (let rest = piece; rest.byteLength > 0; ) {
      const partBytes = firstPartBytes * 2 ** Math.floor(count / growsAfter);
      const taken = rest.subarray(0, partBytes - length);
      pieces.push(taken);
      length += taken.byteLength;
      rest = rest.subarray(taken.byteLength);
      if (length < partBytes) continue;
      yield Buffer.concat(pieces, length);
      [pieces, length, count] = [[], 0, count + 1];
    }
  }
  if (length > 0) yield Buffer.concat(pieces, length);
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64');
}

function textOf({ body }: { body: ReadableStream<Uint8Array> | null }): Promise<string> {
  return new Response(body as ReadableStream<Uint8Array<ArrayBuffer>> | null).text();
}
