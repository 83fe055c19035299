import { lookup } from 'node:dns';
import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { getCACertificates } from 'node:tls';
import { isClosedAddress } from '@eve/adapter-process';

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'DELETE';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** What is longer is not read to its end. */
  readonly maxBytes: number;
  /** Whether a host (with port) may have addresses that are not public; asked again where a redirect leads. */
  readonly mayBeClosed: (host: string) => boolean;
  /** Whether a certificate that nobody vouches for will do for a host (with port). */
  readonly isInsecure: (host: string) => boolean;
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export type Send = (url: URL, request: HttpRequest) => Promise<HttpAnswer>;

/** An address that may not be reached. */
export class ClosedAddress extends Error {
  override readonly name = 'ClosedAddress';
}

/** More bytes than we read. */
export class TooLarge extends Error {
  override readonly name = 'TooLarge';
}

const maxRedirects = 5;

/**
 * Sends requests over kept connections. A redirect to another origin gets no authorization and never leaves TLS;
 * addresses are checked where the connection is made, so that a name cannot lead elsewhere in between.
 */
export function httpSender({ certificates = [] }: { certificates?: readonly string[] } = {}): Send {
  const kept = { keepAlive: true, maxSockets: 64, scheduling: 'lifo' } as const;
  const plain = new HttpAgent(kept);
  const ca = certificates.length > 0 ? [...getCACertificates('default'), ...certificates] : undefined;
  const verified = new HttpsAgent({ ...kept, ...(ca && { ca }) });
  const unverified = new HttpsAgent({ ...kept, rejectUnauthorized: false });

  const once = (url: URL, request: HttpRequest): Promise<IncomingMessage> => {
    const { method, headers, body, signal } = request;
    const closedAddresses = request.mayBeClosed(url.host);
    const literal = url.hostname.replace(/^\[(.*)\]$/, '$1');
    if (!closedAddresses && isIP(literal) && isClosedAddress(literal)) throw new ClosedAddress(url.hostname);
    const secure = url.protocol === 'https:';
    const agent = !secure ? plain : request.isInsecure(url.host) ? unverified : verified;
    return new Promise((resolve, reject) => {
      const options = {
        method,
        agent,
        signal,
        headers: { ...headers, ...(body && { 'content-length': String(body.length) }) },
        ...(!closedAddresses && { lookup: publicLookup }),
      };
      const sent = secure ? httpsRequest(url, options, resolve) : httpRequest(url, options, resolve);
      sent.once('error', (error: NodeJS.ErrnoException) => {
        // The other end had just closed the connection that was kept.
        const stale = sent.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
        if (stale && !signal.aborted) once(url, request).then(resolve, reject);
        else reject(error);
      });
      sent.end(body);
    });
  };

  return async (start, request) => {
    let url = start;
    let { headers } = request;
    for (let redirects = 0; ; redirects += 1) {
      const response = await once(url, { ...request, headers });
      const status = response.statusCode ?? 0;
      const { location } = response.headers;
      const redirected = [301, 302, 303, 307, 308].includes(status) && location && URL.canParse(location, url.href);
      if (!redirected || (request.method !== 'GET' && request.method !== 'HEAD')) {
        return { status, headers: response.headers, bytes: await readBody(response, request.maxBytes) };
      }
      response.resume();
      const next = new URL(location, url);
      if (redirects === maxRedirects) throw new Error('it redirects for ever');
      if (!/^https?:$/.test(next.protocol) || (url.protocol === 'https:' && next.protocol === 'http:'))
        throw new Error('it redirects away from TLS');
      if (next.origin !== url.origin) {
        const { authorization, ...rest } = headers;
        headers = rest;
      }
      url = next;
    }
  };
}

async function readBody(response: IncomingMessage, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    parts.push(part);
    size += part.length;
    // Leaving the loop ends the connection.
    if (size > maxBytes) throw new TooLarge(`more than ${maxBytes} bytes`);
  }
  return new Uint8Array(Buffer.concat(parts));
}

const publicLookup: LookupFunction = (host, options, callback) => {
  lookup(host, { ...options, all: true }, (error, found) => {
    if (error) return callback(error, '', 0);
    if (found.some(({ address }) => isClosedAddress(address))) return callback(new ClosedAddress(host), '', 0);
    const [first] = found;
    if (options.all || !first) return callback(null, found);
    return callback(null, first.address, first.family);
  });
};
