import { Agent, type IncomingMessage, type RequestOptions, request } from 'node:http';
import { Readable } from 'node:stream';
import { PlatformError } from '@eve/domain';
import { DockerError } from './error.ts';

/** The oldest API that everything here exists in: Docker 20.10's. */
const apiVersion = 'v1.41';
const usualTimeoutMs = 120_000;

export interface DockerCall {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON, or as it is when it is a stream or bytes. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** How long the answer may take; two minutes unless said. Streams may take as long as they want. */
  readonly timeoutMs?: number;
}

/** A Docker Engine behind its unix socket. */
export interface DockerEngine {
  readonly socketPath: string;
  /** Calls the engine and reads the whole answer as JSON; undefined when there is none. Throws DockerError. */
  call(method: string, path: string, options?: DockerCall): Promise<unknown>;
  /** Calls the engine and hands on the answer as it comes. Throws DockerError. */
  stream(method: string, path: string, options?: DockerCall): Promise<Readable>;
}

/** A client of the engine that listens on this socket (`/var/run/docker.sock`, with or without `unix://`). */
export function dockerEngine(options: { readonly socketPath: string }): DockerEngine {
  const socketPath = options.socketPath.replace(/^unix:\/\//, '');
  const agent = new Agent({ keepAlive: true, maxSockets: 64, scheduling: 'lifo' });

  async function send(
    method: string,
    path: string,
    call: DockerCall,
    ownConnection: boolean,
  ): Promise<IncomingMessage> {
    const raw = call.body instanceof Readable || call.body instanceof Uint8Array;
    const requestOptions: RequestOptions = {
      socketPath,
      method,
      path: `/${apiVersion}${path}${queryOf(call.query)}`,
      headers: {
        host: 'docker',
        ...(call.body !== undefined && { 'content-type': raw ? 'application/x-tar' : 'application/json' }),
        ...call.headers,
      },
      agent: ownConnection ? false : agent,
      signal: call.signal,
    };
    const answer = await exchange(requestOptions, call.body, socketPath);
    const status = answer.statusCode ?? 0;
    if (status >= 400) throw new DockerError(status, messageIn(await textOf(answer)) || `Docker answered ${status}.`);
    return answer;
  }

  return {
    socketPath,
    async call(method, path, call = {}) {
      const timeout = AbortSignal.timeout(call.timeoutMs ?? usualTimeoutMs);
      const signal = call.signal ? AbortSignal.any([call.signal, timeout]) : timeout;
      try {
        const text = await textOf(await send(method, path, { ...call, signal }, false));
        return text.trim() ? (JSON.parse(text) as unknown) : undefined;
      } catch (error) {
        if (!timeout.aborted || call.signal?.aborted) throw error;
        throw new PlatformError(
          'engine_unavailable',
          `The Docker engine at ${socketPath} did not answer ${method} ${path} in time.`,
        );
      }
    },
    stream: (method, path, call = {}) => send(method, path, call, true),
  };
}

function exchange(options: RequestOptions, body: unknown, socketPath: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request(options, resolve);
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      // The engine closes idle connections; GETs may be sent again, acts are decided by who acts.
      if (error.code === 'ECONNRESET' && outgoing.reusedSocket && options.method === 'GET' && options.agent) {
        exchange({ ...options, agent: false }, body, socketPath).then(resolve, reject);
        return;
      }
      reject(error.name === 'AbortError' ? error : unavailable(error, socketPath));
    });
    if (body instanceof Readable) body.on('error', (error) => outgoing.destroy(error)).pipe(outgoing);
    else outgoing.end(body instanceof Uint8Array ? body : body === undefined ? undefined : JSON.stringify(body));
  });
}

function unavailable(error: NodeJS.ErrnoException, socketPath: string): PlatformError {
  const why =
    error.code === 'ENOENT'
      ? 'no engine listens there'
      : error.code === 'EACCES'
        ? 'no right to use it'
        : error.message;
  return new PlatformError('engine_unavailable', `The Docker engine at ${socketPath} did not answer: ${why}.`, {
    cause: error,
  });
}

async function textOf(answer: IncomingMessage): Promise<string> {
  answer.setEncoding('utf8');
  let text = '';
  for await (const chunk of answer) text += chunk;
  return text;
}

function messageIn(text: string): string {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && 'message' in parsed) return String(parsed.message);
  } catch {
    // Not JSON: the text itself is the message.
  }
  return text.trim();
}

function queryOf(query: DockerCall['query']): string {
  const pairs = Object.entries(query ?? {}).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`;
}
