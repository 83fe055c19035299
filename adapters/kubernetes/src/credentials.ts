import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent, type RequestOptions } from 'node:https';
import { PlatformError } from '@eve/domain';
import type { KubeConfig } from '@kubernetes/client-node';
import { type KubeconfigPlace, loadKubeconfig } from './kubeconfig.ts';

/** How the API server is reached, and as whom; asked for before every request, since tokens and certificates are renewed. */
export interface Credentials {
  /** Without a slash at its end; a proxy in front of several clusters has a path. */
  readonly server: URL;
  /** Of `node:https`; `stream` is for requests that last. */
  options(use: 'call' | 'stream'): Promise<RequestOptions>;
  /**
   * Reads kubeconfig and token files anew, since the API server did not take what we had at that moment (`performance.now()`).
   * True when there may be others now; false when they are as fresh as they get.
   */
  renew(hadAt: number): Promise<boolean>;
  /** As the library wants them, for web sockets. */
  config(): KubeConfig;
}

// What somebody changed in a file may take that long until we ask for it after being refused.
const renewAtMostEveryMs = 5_000;

export async function clusterCredentials(place: KubeconfigPlace): Promise<Credentials> {
  let config = await loadKubeconfig(place);
  let renewedAt = Number.NEGATIVE_INFINITY;
  const server = new URL(config.getCurrentCluster()?.server ?? '');
  // Requests that last would otherwise take the connections that short ones need.
  const agents = {
    call: agentFor(server, { keepAlive: true, maxSockets: 64, scheduling: 'lifo' }),
    stream: agentFor(server, { keepAlive: false }),
  };
  let asking: Promise<RequestOptions> | null = null;
  let renewing: Promise<boolean> | null = null;

  // An exec plugin is a program: requests that come together ask it once.
  const ask = (): Promise<RequestOptions> => {
    asking ??= authenticated(config).finally(() => {
      asking = null;
    });
    return asking;
  };
  const renew = async (hadAt: number): Promise<boolean> => {
    if (renewedAt > hadAt) return true;
    if (performance.now() - renewedAt < renewAtMostEveryMs) return false;
    const fresh = await loadKubeconfig(place).catch(() => null);
    renewedAt = performance.now();
    // Somebody is just writing it.
    if (fresh === null) return false;
    config = fresh;
    return true;
  };
  return {
    server,
    config: () => config,
    async options(use) {
      const options = await ask();
      const proxied = Boolean(config.getCurrentCluster()?.proxyUrl);
      return { ...options, ...(!proxied && { agent: agents[use] }) };
    },
    async renew(hadAt) {
      renewing ??= renew(hadAt).finally(() => {
        renewing = null;
      });
      return renewing;
    },
  };
}

async function authenticated(config: KubeConfig): Promise<RequestOptions> {
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options).catch((error: unknown) => {
    const said = (error instanceof Error ? error.message : String(error)).trim().slice(0, 500);
    const message = `There are no credentials for the Kubernetes cluster: ${said || 'the program that gets them failed'}`;
    throw new PlatformError('cluster_unreachable', /[.!?]$/.test(message) ? message : `${message}.`, { cause: error });
  });
  const headers = Object.entries(options.headers ?? {}).map(([name, value]) => [name, String(value).trim()] as const);
  return { ...options, headers: Object.fromEntries(headers) };
}

function agentFor(server: URL, options: ConstructorParameters<typeof HttpsAgent>[0]): HttpAgent {
  return server.protocol === 'http:' ? new HttpAgent(options) : new HttpsAgent(options);
}
