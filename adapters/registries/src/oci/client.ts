import { type ImageReference, PlatformError } from '@eve/domain';
import type { RegistryLogin } from '@eve/operations';

export interface ClientOptions {
  /** Hosts (with port) that are reached over plain HTTP, besides those of the loopback interface. */
  readonly insecureHosts?: readonly string[];
  /** How long one answer may take. */
  readonly timeoutMs?: number;
}

export interface RegistryRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT';
  /** Below `/v2/<repository>/`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer>;
}

/** One repository of a registry, with the authorization that it asked for. */
export type RepositoryClient = (request: RegistryRequest) => Promise<Response>;

/** Speaks the distribution API with a registry; gets tokens when asked to, and sends a login only where it belongs. */
export function repositoryClient(
  { host, repository }: Pick<ImageReference, 'host' | 'repository'>,
  {
    login,
    actions,
    signal,
  }: { login: RegistryLogin | null; actions: 'pull' | 'pull,push'; signal?: AbortSignal | undefined },
  options: ClientOptions = {},
): RepositoryClient {
  const server = host === 'docker.io' ? 'registry-1.docker.io' : host;
  const base = `${isInsecure(server, options.insecureHosts ?? []) ? 'http' : 'https'}://${server}`;
  let authorization: string | null = null;

  const send = async (url: URL, init: RequestInit): Promise<Response> => {
    const timeout = AbortSignal.timeout(options.timeoutMs ?? 30_000);
    try {
      return await fetch(url, { ...init, signal: signal ? AbortSignal.any([signal, timeout]) : timeout });
    } catch (error) {
      signal?.throwIfAborted();
      throw new PlatformError('registry_unavailable', `The registry ${host} cannot be reached: ${causeOf(error)}`, {
        cause: error,
      });
    }
  };
  const authorize = async (challenge: string): Promise<string | null> => {
    const { scheme, parameters } = parseChallenge(challenge);
    const basic = login && `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`;
    if (scheme === 'basic') return basic;
    if (scheme !== 'bearer' || !parameters.realm || !URL.canParse(parameters.realm)) return null;
    const realm = new URL(parameters.realm);
    // A password goes over plain HTTP only to a registry that is reached so itself.
    if (realm.protocol !== 'https:' && !base.startsWith('http://')) return null;
    if (parameters.service) realm.searchParams.set('service', parameters.service);
    realm.searchParams.set('scope', `repository:${repository}:${actions}`);
    const response = await send(realm, { headers: basic ? { authorization: basic } : {} });
    if (response.status >= 500)
      throw new PlatformError('registry_unavailable', `The token service of ${host} answered with ${response.status}.`);
    if (!response.ok) return null;
    const answer: unknown = await response.json().catch(() => null);
    const token =
      answer && typeof answer === 'object' && (Reflect.get(answer, 'token') ?? Reflect.get(answer, 'access_token'));
    return typeof token === 'string' ? `Bearer ${token}` : null;
  };

  return async ({ method, path, headers, body }) => {
    const url = new URL(`${base}/v2/${repository}/${path}`);
    const attempt = () =>
      send(url, { method, headers: { ...headers, ...(authorization && { authorization }) }, ...(body && { body }) });
    let response = await attempt();
    const challenge = response.headers.get('www-authenticate');
    if (response.status === 401 && challenge) {
      await response.body?.cancel();
      authorization = await authorize(challenge);
      if (authorization) response = await attempt();
    }
    return response;
  };
}

/** The parts of a WWW-Authenticate header. */
export function parseChallenge(header: string): { scheme: string; parameters: Readonly<Record<string, string>> } {
  const [, scheme = '', rest = ''] = /^\s*(\S+)\s*(.*)$/s.exec(header) ?? [];
  const parameters: Record<string, string> = {};
  for (const [, name = '', quoted, plain] of rest.matchAll(/([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g))
    parameters[name.toLowerCase()] = quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '';
  return { scheme: scheme.toLowerCase(), parameters };
}

/** Whether a registry is reached over plain HTTP: on the loopback interface, or because it was named so. */
export function isInsecure(host: string, insecureHosts: readonly string[]): boolean {
  const name = host.replace(/:\d+$/, '');
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === '[::1]' ||
    /^127(?:\.\d+){3}$/.test(name) ||
    insecureHosts.includes(host)
  );
}

function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message || cause.name : String(cause);
}
