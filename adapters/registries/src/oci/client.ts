import { BuildFailed, isInsecureRegistry, isNamedInsecure, PlatformError } from '@eve/domain';
import type { RegistryLogin } from '@eve/operations';
import { type Authorizations, authorizationKey, authorizations, type RepositoryActions } from './authorizations.ts';
import { codeOf, refusal, unreachable } from './failure.ts';
import { type HttpAnswer, type HttpRequest, httpSender } from './http.ts';

export interface ClientOptions {
  /** Hosts (with or without port) that are spoken to without verified TLS, besides those that always are; `*` is all. */
  readonly insecureHosts?: readonly string[];
  /** Authorities besides the machine's own, as PEM. */
  readonly certificates?: readonly string[];
  /** The registry that Eve runs: it and its token service may be anywhere. */
  readonly ownHost?: string | null;
  /** Whether every registry may have an address that is not public: on a person's own machine. */
  readonly closedAddresses?: boolean;
  /** How long one answer may take. */
  readonly timeoutMs?: number;
}

export interface RegistryRequest {
  readonly method: HttpRequest['method'];
  /** Below `/v2/`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer>;
  readonly maxBytes?: number;
}

export interface Access {
  readonly login: RegistryLogin | null;
  /** Null asks only whether the login is one. */
  readonly scope: { readonly repository: string; readonly actions: RepositoryActions } | null;
  readonly signal?: AbortSignal | undefined;
}

/** Asks a registry, with the authorization that it wants. */
export type RegistryClient = (host: string, access: Access, request: RegistryRequest) => Promise<HttpAnswer>;

const maxTokenBytes = 256 * 1024;

/** Speaks the distribution API with registries; keeps connections and tokens, and sends a login only where it belongs. */
export function registryClient(options: ClientOptions = {}): RegistryClient {
  const { insecureHosts = [], ownHost = null, timeoutMs = 30_000 } = options;
  const send = httpSender({ certificates: options.certificates ?? [] });
  const tokens = authorizations();
  /** Insecure registries that speak TLS all the same. */
  const speakTls = new Set<string>();

  return async (host, access, { method, path, headers, body, maxBytes = 0 }) => {
    const server = host === 'docker.io' ? 'registry-1.docker.io' : host;
    const isInsecure = (asked: string) => isInsecureRegistry(asked, insecureHosts);
    const insecure = isInsecure(server);
    const anywhere = options.closedAddresses === true || server === ownHost;
    const named = isNamedInsecure(server, insecureHosts);
    const mayBeClosed = (asked: string) =>
      anywhere || isNamedInsecure(asked, insecureHosts) || (named && nameOf(asked) === nameOf(server));

    const ask = async (url: URL, request: Pick<HttpRequest, 'method' | 'headers' | 'body' | 'maxBytes'>) => {
      const timeout = AbortSignal.timeout(timeoutMs);
      const signal = access.signal ? AbortSignal.any([access.signal, timeout]) : timeout;
      try {
        return await send(url, { ...request, isInsecure, mayBeClosed, signal });
      } catch (error) {
        access.signal?.throwIfAborted();
        throw timeout.aborted ? new Error(`no answer within ${timeoutMs} ms`, { cause: error }) : error;
      }
    };
    const attempt = async (authorization: string | null): Promise<HttpAnswer> => {
      const request = {
        method,
        headers: { ...headers, ...(authorization && { authorization }) },
        ...(body && { body }),
        maxBytes,
      };
      const overTls = () => ask(new URL(`https://${server}/v2/${path}`), request);
      if (!insecure || speakTls.has(server)) return overTls();
      const answer = await ask(new URL(`http://${server}/v2/${path}`), {
        ...request,
        maxBytes: maxBytes || 4096,
      }).catch((error: unknown) => (/ECONNRESET|EPROTO|^HPE_/.test(codeOf(error)) ? null : Promise.reject(error)));
      if (answer && !isTlsOnly(answer)) return answer;
      const better = await overTls();
      speakTls.add(server);
      return better;
    };

    try {
      const key = authorizationKey(
        `${server} ${access.scope?.repository ?? ''} ${access.scope?.actions ?? ''}`,
        access.login,
      );
      const known = tokens.find(key);
      const answer = await attempt(known);
      if (answer.status !== 401) return answer;
      // Registries give a token to nobody too: whether nobody may enter is said before.
      if (!access.login && !access.scope) return answer;
      tokens.drop(key);
      const challenge = answer.headers['www-authenticate'];
      const plain = insecure && !speakTls.has(server);
      const authorization = challenge ? await authorize(challenge, { host, plain, access, ask, tokens, key }) : null;
      return authorization ? await attempt(authorization) : answer;
    } catch (error) {
      access.signal?.throwIfAborted();
      throw error instanceof BuildFailed || error instanceof PlatformError ? error : unreachable(host, error);
    }
  };
}

async function authorize(
  challenge: string,
  {
    host,
    plain,
    access: { login, scope },
    ask,
    tokens,
    key,
  }: {
    host: string;
    plain: boolean;
    access: Access;
    ask: (url: URL, request: Pick<HttpRequest, 'method' | 'headers' | 'maxBytes'>) => Promise<HttpAnswer>;
    tokens: Authorizations;
    key: string;
  },
): Promise<string | null> {
  const { scheme, parameters } = parseChallenge(challenge);
  const basic = login && `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`;
  if (scheme === 'basic') {
    if (basic) tokens.keep(key, basic, null);
    return basic;
  }
  if (scheme !== 'bearer' || !parameters.realm || !URL.canParse(parameters.realm)) return null;
  const realm = new URL(parameters.realm);
  // A password goes over plain HTTP only to a registry that is reached so itself.
  if (realm.protocol !== 'https:' && !(realm.protocol === 'http:' && plain)) return null;
  if (parameters.service) realm.searchParams.set('service', parameters.service);
  if (scope) realm.searchParams.set('scope', `repository:${scope.repository}:${scope.actions}`);
  const answer = await ask(realm, {
    method: 'GET',
    headers: basic ? { authorization: basic } : {},
    maxBytes: maxTokenBytes,
  });
  if (answer.status === 429 || answer.status >= 500)
    throw refusal(answer, { host, repository: scope?.repository ?? 'it' });
  if (answer.status !== 200) return null;
  const { token, lifeSeconds } = parseToken(answer.bytes);
  if (token === null) return null;
  tokens.keep(key, `Bearer ${token}`, lifeSeconds);
  return `Bearer ${token}`;
}

/** The parts of a WWW-Authenticate header. */
export function parseChallenge(header: string): { scheme: string; parameters: Readonly<Record<string, string>> } {
  const [, scheme = '', rest = ''] = /^\s*(\S+)\s*(.*)$/s.exec(header) ?? [];
  const parameters: Record<string, string> = {};
  for (const [, name = '', quoted, plain] of rest.matchAll(/([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g))
    parameters[name.toLowerCase()] = quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '';
  return { scheme: scheme.toLowerCase(), parameters };
}

function parseToken(bytes: Uint8Array): { token: string | null; lifeSeconds: number | null } {
  let answer: unknown = null;
  try {
    answer = JSON.parse(new TextDecoder().decode(bytes));
  } catch {}
  if (!answer || typeof answer !== 'object') return { token: null, lifeSeconds: null };
  const token: unknown = Reflect.get(answer, 'token') ?? Reflect.get(answer, 'access_token');
  const life: unknown = Reflect.get(answer, 'expires_in');
  return {
    token: typeof token === 'string' && /^[\x20-\x7e]+$/.test(token) ? token : null,
    lifeSeconds: typeof life === 'number' && life > 0 ? life : null,
  };
}

function nameOf(host: string): string {
  return host.replace(/:\d+$/, '');
}

/** What servers that speak TLS only answer to plain HTTP. */
function isTlsOnly({ status, headers, bytes }: HttpAnswer): boolean {
  if (status !== 400 || headers['docker-distribution-api-version']) return false;
  return bytes.length === 0 || /https/i.test(new TextDecoder().decode(bytes));
}
