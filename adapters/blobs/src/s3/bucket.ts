import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { AwsV4Signer } from 'aws4fetch';
import { bucketAddress } from './address.ts';
import { elementOf } from './documents.ts';
import { type BucketPlace, refusal, unreachable } from './refusal.ts';

/** A bucket, and what opens it. */
export interface BucketOptions {
  readonly bucket: string;
  /** Another server that speaks S3, with or without a port; null: Amazon's in the region. */
  readonly endpoint: string | null;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Ends every wait and every transfer. */
  readonly signal?: AbortSignal;
  /** How often a request is made at most, the first pause between two, and how long an answer may take to begin. */
  readonly attempts?: number;
  readonly pauseMs?: number;
  readonly answerMs?: number;
}

export interface BucketRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** The whole name of an object; absent: the bucket itself. */
  readonly object?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Statuses that are an answer to the caller (404: for an object or upload that is not there); all others but 2xx are thrown. */
  readonly expected?: readonly number[];
  /** In place of the bucket's own. */
  readonly signal?: AbortSignal;
}

export interface BucketAnswer {
  readonly status: number;
  /** What the server calls a refusal; empty for none. */
  readonly code: string;
  readonly headers: Headers;
  readonly body: ReadableStream<Uint8Array> | null;
}

/** Requests to one bucket, signed, and made again while the server is busy or out of reach. */
export interface Bucket {
  readonly place: BucketPlace;
  send(request: BucketRequest): Promise<BucketAnswer>;
}

const longestPauseMs = 5_000;
const longestRefusal = 16 * 1024;
const passing = new Set([429, 500, 502, 503, 504]);
const passingCodes = new Set(['RequestTimeout', 'SlowDown', 'OperationAborted']);

/** The client of a bucket. Throws `storage_unavailable` or `disk_full`, which name the bucket and what to do, and no credential. */
export function s3Bucket(options: BucketOptions): Bucket {
  const { region, credentials, attempts = 8, pauseMs = 100, answerMs = 120_000 } = options;
  const address = bucketAddress(options);
  const place = { bucket: options.bucket, server: address.origin };
  const signingKeys = new Map<string, ArrayBuffer>();

  async function attempt(request: BucketRequest, signal: AbortSignal | undefined): Promise<Response> {
    const { method, object, query = {}, headers = {}, body } = request;
    const url = new URL(address);
    if (object !== undefined) url.pathname += object.split('/').map(encodeURIComponent).join('/');
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const hash = createHash('sha256').update(body ?? '');
    const signed = await new AwsV4Signer({
      ...{ method, url: url.href, ...credentials, service: 's3', region, cache: signingKeys },
      headers: { ...headers, 'x-amz-content-sha256': hash.digest('hex') },
    }).sign();
    // What stands between may change it, so it is not signed; what is stored is to come as it is.
    signed.headers.set('accept-encoding', 'identity');
    const slow = new AbortController();
    const timer = setTimeout(() => slow.abort(new Error(`no answer within ${answerMs} ms`)), answerMs);
    try {
      return await fetch(signed.url, {
        ...{ method, headers: signed.headers, redirect: 'manual' },
        // Whoever made it keeps it as it is until the answer is there.
        ...(body && { body: body as Uint8Array<ArrayBuffer> }),
        signal: signal ? AbortSignal.any([signal, slow.signal]) : slow.signal,
      });
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    place,
    async send(request) {
      const signal = request.signal ?? options.signal;
      for (let made = 1; ; made++) {
        signal?.throwIfAborted();
        const answer = await attempt(request, signal).catch((error: Error) => error);
        signal?.throwIfAborted();
        if (answer instanceof Error) {
          if (made >= attempts) throw unreachable(place, made, answer);
        } else if (answer.ok) {
          return { status: answer.status, code: '', headers: answer.headers, body: answer.body };
        } else {
          const { status, headers } = answer;
          const code = await codeOf(answer);
          const isExpected = request.expected?.includes(status) && (status !== 404 || isMissing(request, code));
          if (isExpected) return { status, code, headers, body: null };
          const passes = passing.has(status) || passingCodes.has(code);
          if (!passes || made >= attempts) throw refusal(place, { status, code, attempts: made });
        }
        const pause = Math.min(longestPauseMs, pauseMs * 2 ** (made - 1));
        await sleep(pause * (0.5 + Math.random() / 2), undefined, { signal });
      }
    },
  };
}

/** Not every 404 says that there is no such object: nobody there may know the bucket, the key or S3. */
function isMissing({ method }: BucketRequest, code: string): boolean {
  return code === '' ? method === 'HEAD' : /^(NoSuchKey|NoSuchUpload|NotFound)$/.test(code);
}

/** The rest of a refusal repeats what was signed and with which key: it goes nowhere. */
async function codeOf(answer: Response): Promise<string> {
  let text = '';
  try {
    for await (const piece of answer.body ?? []) {
      text += Buffer.from(piece).toString('utf8');
      if (text.length > longestRefusal) break;
    }
  } catch {
    // The status says enough.
  }
  return /^[A-Za-z.]{1,64}$/.exec(elementOf(text, 'Code') ?? '')?.[0] ?? '';
}
