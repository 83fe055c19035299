import type { ErrorDetail, Problem } from '../contract/index.ts';

export interface ClientOptions {
  /** Such as `http://127.0.0.1:4600`. */
  readonly url: string;
  readonly token?: string | undefined;
  readonly fetch?: typeof fetch;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Makes repeating a call harmless: the first answer is given again. */
  readonly idempotencyKey?: string | undefined;
}

export interface Call extends CallOptions {
  readonly query?: Readonly<Record<string, unknown>> | undefined;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as they are, with the content type of `headers`. */
  readonly bytes?: Uint8Array | AsyncIterable<Uint8Array>;
}

/** What the server answered instead of a result, or that it could not be reached (status 0, `server_unreachable`). */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly code: string;
  readonly details: readonly ErrorDetail[];
  /** Seconds after which a repetition makes sense. */
  readonly retryAfter: number | null;
  readonly correlationId: string | null;

  constructor(
    message: string,
    about: Pick<ApiError, 'status' | 'code'> & Partial<Pick<ApiError, 'details' | 'retryAfter' | 'correlationId'>>,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.status = about.status;
    this.code = about.code;
    this.details = about.details ?? [];
    this.retryAfter = about.retryAfter ?? null;
    this.correlationId = about.correlationId ?? null;
  }
}

/** A path with its values encoded: a slash in a value does not become a part of the path. */
export function path(texts: TemplateStringsArray, ...values: readonly (string | number)[]): string {
  return texts.reduce((all, text, index) => `${all}${encodeURIComponent(String(values[index - 1]))}${text}`);
}

/** Sends one request; answers with the response when it is a success. Throws ApiError. */
export async function send(
  { url, token, fetch = globalThis.fetch }: ClientOptions,
  method: string,
  route: string,
  { query, body, bytes, headers, signal, idempotencyKey }: Call = {},
): Promise<Response> {
  const address = new URL(`${url.replace(/\/+$/, '')}${route}`);
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null) address.searchParams.set(name, String(value));
  }
  let response: Response;
  try {
    response = await fetch(address, {
      method,
      redirect: 'error',
      signal: signal ?? null,
      headers: {
        accept: 'application/json, application/problem+json',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(bytes !== undefined && { body: bodyOf(bytes), duplex: 'half' as const }),
    });
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw unreachable(address, error);
  }
  if (!response.ok) throw await apiError(response);
  return response;
}

/** The JSON of an answer; undefined when it has no body. */
export async function json<Answer>(response: Response): Promise<Answer> {
  const text = await response.text();
  try {
    // The answer's shape is the server's promise, made by the same contract.
    return (text === '' ? undefined : JSON.parse(text)) as Answer;
  } catch (error) {
    throw new ApiError(
      'The server answered with something other than JSON; is the address that of an Eve server?',
      { status: response.status, code: 'answer_invalid' },
      { cause: error },
    );
  }
}

export function unreachable(address: URL, error: unknown): ApiError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const why = cause instanceof Error ? cause.message || (cause as NodeJS.ErrnoException).code : String(cause);
  return new ApiError(
    `Cannot reach ${address.origin}: ${why}.`,
    { status: 0, code: 'server_unreachable' },
    { cause: error },
  );
}

// Web streams and bytes are what fetch takes; the DOM types are not part of this project's libraries.
function bodyOf(bytes: Uint8Array | AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> {
  return bytes instanceof Uint8Array ? new Uint8Array(bytes) : ReadableStream.from(bytes);
}

async function apiError(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => '');
  const after = Number(response.headers.get('retry-after') ?? Number.NaN);
  const about = {
    status: response.status,
    retryAfter: Number.isFinite(after) ? after : null,
    correlationId: response.headers.get('x-eve-correlation-id'),
  };
  try {
    const problem = JSON.parse(text) as Partial<Problem>;
    const message = problem.message ?? problem.detail ?? problem.title ?? response.statusText;
    return new ApiError(message, { ...about, code: problem.code ?? 'unknown', details: problem.errors ?? [] });
  } catch {
    return new ApiError(text.trim().slice(0, 300) || `HTTP ${response.status} ${response.statusText}`, {
      ...about,
      code: 'unknown',
    });
  }
}
