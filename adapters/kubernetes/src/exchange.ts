import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import type { Status } from './error.ts';

/** One request to the API server. */
export interface ClusterCall {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Made by paths.ts. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  readonly body?: object;
  readonly contentType?: string;
  readonly signal?: AbortSignal;
  /** Within which the answer has to be there, of a stream its beginning. */
  readonly timeoutMs?: number;
  /** What it is for, completing "Kubernetes refused to …". */
  readonly act: string;
}

/** Sends one request; resolves when its answer begins. */
export function exchange(server: URL, call: ClusterCall, connect: RequestOptions): Promise<IncomingMessage> {
  const bytes = call.body === undefined ? null : Buffer.from(JSON.stringify(call.body));
  const headers = {
    ...connect.headers,
    accept: 'application/json',
    'user-agent': 'eve',
    ...(bytes && { 'content-type': call.contentType ?? 'application/json', 'content-length': bytes.length }),
  };
  const options = { ...connect, ...target(server, call), headers };
  return new Promise((resolve, reject) => {
    const send = () => {
      const outgoing = (options.protocol === 'http:' ? httpRequest : httpsRequest)(options, resolve);
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        // The API server closes idle connections, and all when it restarts: what may be done twice is sent again.
        const isStale = outgoing.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
        if (isStale && options.method !== 'POST') send();
        else reject(error);
      });
      outgoing.end(bytes ?? undefined);
    };
    send();
  });
}

/** The whole of an answer. */
export async function textOf(answer: IncomingMessage): Promise<string> {
  answer.setEncoding('utf8');
  let text = '';
  for await (const chunk of answer) text += chunk;
  return text;
}

/** What the API server, or a proxy or kubelet behind it, said. */
export function statusIn(text: string): Status {
  try {
    const parsed: unknown = JSON.parse(text);
    // The API server's own form, which it always keeps to where it answers JSON at all.
    if (typeof parsed === 'object' && parsed !== null) return parsed as Status;
  } catch {
    // Kubelets and proxies answer plain text.
  }
  return { message: text.slice(0, 2_000) };
}

function target({ protocol, hostname, port, pathname }: URL, { method, path, query }: ClusterCall) {
  const pairs = Object.entries(query ?? {}).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return {
    protocol,
    // Of an IPv6 address without its brackets.
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port,
    method,
    path: `${pathname.replace(/\/$/, '')}${path}${pairs.length > 0 ? `?${new URLSearchParams(pairs)}` : ''}`,
  };
}
