import { createHash } from 'node:crypto';
import type { Bucket, BucketAnswer } from './bucket.ts';
import { unusable } from './refusal.ts';

const mostResumes = 5;

interface Range {
  readonly start: number;
  readonly end: number;
}

/** Begins to read an object; null when there is none. What is read is the object of the beginning, also after the connection broke. */
export async function download(
  bucket: Bucket,
  object: string,
  range?: Range,
): Promise<AsyncIterable<Uint8Array> | null> {
  if (range && range.end <= range.start) {
    const { status } = await bucket.send({ method: 'HEAD', object, expected: [404] });
    return status === 404 ? null : nothing();
  }
  const headers: Record<string, string> = range ? { range: rangeOf(range) } : { 'x-amz-checksum-mode': 'ENABLED' };
  const answer = await bucket.send({ method: 'GET', object, headers, expected: [404, 416] });
  if (answer.status === 404) return null;
  if (answer.status === 416) return nothing();
  if (range && answer.status !== 206) {
    await answer.body?.cancel();
    throw unusable(bucket.place, 'does not give parts of objects');
  }
  return pieces(bucket, object, answer, range?.start ?? 0);
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

async function* pieces(bucket: Bucket, object: string, first: BucketAnswer, start: number): AsyncGenerator<Uint8Array> {
  const end = start + Number(first.headers.get('content-length') ?? Number.NaN);
  const etag = first.headers.get('etag');
  const expected = first.headers.get('x-amz-checksum-sha256');
  const hash = createHash('sha256');
  let at = start;
  let { body } = first;
  for (let resumes = 0; ; resumes++) {
    const reader = body?.getReader();
    try {
      for (;;) {
        const read = await reader?.read().catch((error: Error) => error);
        if (read === undefined || read instanceof Error || read.done) break;
        hash.update(read.value);
        at += read.value.byteLength;
        yield read.value;
      }
    } finally {
      await reader?.cancel().catch(() => {});
    }
    if (at === end) break;
    if (Number.isNaN(end) || etag === null || resumes === mostResumes) throw unusable(bucket.place, brokeOff);
    const headers = { range: rangeOf({ start: at, end }), 'if-match': etag };
    const answer = await bucket.send({ method: 'GET', object, headers, expected: [404, 412] });
    if (answer.status !== 206) throw unusable(bucket.place, brokeOff);
    body = answer.body;
  }
  // An object of several parts has a checksum of checksums instead: each part was checked when it was stored.
  const isWhole = start === 0 && expected !== null && !expected.includes('-');
  if (isWhole && hash.digest('base64') !== expected) throw unusable(bucket.place, 'gives other bytes than were stored');
}

const brokeOff = 'broke off in the middle of an object, which could not be read on';

function rangeOf({ start, end }: Range): string {
  return `bytes=${start}-${Number.isFinite(end) ? end - 1 : ''}`;
}
