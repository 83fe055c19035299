import { createHash } from 'node:crypto';
import type { Backend, Route, RoutingTable } from '@eve/operations';

/** What the operator chooses of the proxy. */
export interface ConfigOptions {
  /** The address of the shared HTTP port; routes' own ports are always on loopback. */
  readonly httpHost?: string;
  /** Keeps `X-Forwarded-*` of the client, where a proxy of the operator stands in front. */
  readonly trustForwarded?: boolean;
  /** A unix socket through which a worker that stops hands late requests to the one that follows it. */
  readonly onwardSocket: string;
  /** Ports of routes that another program has now: those routes are reached by host name alone. */
  readonly taken?: ReadonlySet<number>;
  /** How long streams on a replaced configuration may live, in hours. */
  readonly streamHours?: number;
}

/** A configuration, and what of it only a reload can change. */
export interface RenderedConfig {
  readonly text: string;
  /** Equal for two tables whose difference is servers of existing routes: those change at run time. */
  readonly structure: string;
}

/** The whole configuration of a table. Throws a TypeError when a name or number of it cannot be rendered safely. */
export function renderConfig(table: RoutingTable, options: ConfigOptions): RenderedConfig {
  if (!Number.isSafeInteger(table.version) || table.version < 0) throw new TypeError('The version is no number.');
  const routes = table.routes.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const frame = [
    ...defaults(options),
    ...sharedFrontend(table, routes, options),
    ...routes.flatMap((route) => routeLines(route, options)),
  ];
  const structure = createHash('sha256').update(frame.join('\n')).digest('hex').slice(0, 32);
  const lines = frame.flatMap((line) => {
    const route = routes.find(({ id }) => line === serversOf(id));
    return route ? serverLines(route) : [line];
  });
  const head = [`# Written by Eve; changes are overwritten.`, `# table version ${table.version}`];
  return { text: `${[...head, 'global', `  description ${structure}`, ...lines].join('\n')}\n`, structure };
}

/** The version of the table that a configuration was rendered from; null when it names none. */
export function tableVersionOf(text: string): number | null {
  const version = /^# table version (\d+)$/m.exec(text)?.[1];
  return version === undefined ? null : Number(version);
}

/** `host:port` of everything that a configuration listens on. */
export function listenersOf(text: string): string[] {
  return [...text.matchAll(/^ {2}bind (\d\S+)$/gm)].map(([, address]) => address as string);
}

/** The proxy's name of a route. */
export function backendName(routeId: string): string {
  return routeId.split('/').map(name).join(':');
}

/** What a server's weight is in the proxy: a draining one takes nothing new. */
export function weightOf({ state, weight }: Backend): number {
  return state === 'draining' ? 0 : whole(weight, 0, 256);
}

function defaults({ streamHours = 24 }: ConfigOptions): string[] {
  return [
    '  fd-hard-limit 100000',
    `  hard-stop-after ${whole(streamHours, 1, 10_000)}h`,
    'defaults',
    '  timeout connect 3s',
    '  timeout client 1h',
    '  timeout server 1h',
    '  timeout tunnel 24h',
    '  timeout client-fin 30s',
    '  timeout server-fin 30s',
    '  timeout http-request 30s',
    '  timeout http-keep-alive 75s',
    '  timeout queue 5s',
    '  retries 3',
    '  option redispatch 1',
    '  option clitcpka',
    '  option srvtcpka',
    // A server's idle connection may close while a request is on its way, which only a new connection never does.
    '  option http-server-close',
    '  option splice-auto',
  ];
}

/**
 * A worker that stops cannot be told of new instances, but its clients may still send a request on a connection they
 * kept: it passes that on to the worker that followed it, over a socket that only this installation can open.
 */
function sharedFrontend(table: RoutingTable, routes: readonly Route[], options: ConfigOptions): string[] {
  const domain = name(table.domain);
  const http = routes.filter(({ protocol }) => protocol === 'http');
  const readHost = '  http-request set-var(txn.host) req.hdr(host),field(1,:),lower,rtrim(.)';
  const byHost = [
    ...http.flatMap(({ id, labels, host }) =>
      [...labels.map((label) => `${name(label)}.${domain}`), ...(host ? [name(host)] : [])].map(
        (each) => `  use_backend ${backendName(id)} if { var(txn.host) -m str ${each} }`,
      ),
    ),
    '  default_backend eve:unknown',
  ];
  return [
    'frontend eve:http',
    '  mode http',
    `  bind ${name(options.httpHost ?? '127.0.0.1')}:${port(table.httpPort)}`,
    '  http-request del-header X-Eve-Route',
    ...forwarding(options),
    readHost,
    '  use_backend eve:onward if { stopping }',
    ...byHost,
    'frontend eve:late',
    '  mode http',
    `  bind unix@${socketPath(options.onwardSocket)} mode 600 accept-proxy`,
    '  http-request set-var(txn.route) req.hdr(x-eve-route)',
    '  http-request del-header X-Eve-Route',
    readHost,
    ...http.map(({ id }) => `  use_backend ${backendName(id)} if { var(txn.route) -m str ${backendName(id)} }`),
    '  use_backend eve:unknown if { var(txn.route) -m found }',
    ...byHost,
    'backend eve:onward',
    '  mode http',
    `  server next unix@${options.onwardSocket} send-proxy-v2`,
    'backend eve:unknown',
    '  mode http',
    '  http-request return status 404 content-type text/plain string "No service of this installation has this host name.\\n"',
  ];
}

function routeLines(route: Route, options: ConfigOptions): string[] {
  const frontend = options.taken?.has(route.port) ? [] : frontendLines(route, options);
  return [...frontend, ...backendLines(route)];
}

function frontendLines(route: Route, options: ConfigOptions): string[] {
  const id = backendName(route.id);
  const head = [`frontend ${id}`, `  mode ${route.protocol}`, `  bind 127.0.0.1:${port(route.port)}`];
  if (route.protocol === 'tcp') return [...head, `  default_backend ${id}`];
  return [
    ...head,
    `  http-request set-header X-Eve-Route ${id} if { stopping }`,
    '  http-request del-header X-Eve-Route unless { stopping }',
    ...forwarding(options),
    '  use_backend eve:onward if { stopping }',
    `  default_backend ${id}`,
  ];
}

function backendLines({ id, protocol }: Route): string[] {
  // Also of connections: to the least busy one, a new instance would get all of them until it has as many as the others.
  const head = [`backend ${backendName(id)}`, `  mode ${protocol}`, '  balance roundrobin'];
  if (protocol === 'tcp') return [...head, serversOf(id)];
  const [, service = ''] = id.split('/');
  return [
    ...head,
    '  retry-on conn-failure empty-response',
    '  http-request disable-l7-retry if !{ method GET HEAD OPTIONS }',
    `  http-error status 503 content-type text/plain string "Service ${service} has no running instance that answers: see its environment's status.\\n" hdr Retry-After 2 hdr Cache-Control no-store`,
    serversOf(id),
  ];
}

// A reload must not close a connection on which a client is just sending its next request.
const toClients = ['  option idle-close-on-response', '  option http-ignore-probes'];

/** What instances are told of the client; what a client claims of itself is dropped. */
function forwarding({ trustForwarded = false }: ConfigOptions): string[] {
  const common = [...toClients, '  http-request del-header Proxy'];
  if (trustForwarded) {
    return [
      ...common,
      '  option forwardfor',
      '  http-request set-header X-Forwarded-Proto http unless { req.hdr(x-forwarded-proto) -m found }',
    ];
  }
  return [
    ...common,
    '  http-request del-header Forwarded',
    '  http-request del-header X-Real-IP',
    '  http-request set-header X-Forwarded-For %[src]',
    '  http-request set-header X-Forwarded-Proto http',
    '  http-request set-header X-Forwarded-Host %[req.hdr(host)]',
    '  http-request set-header X-Forwarded-Port %[dst_port]',
  ];
}

const serversOf = (routeId: string) => `  # servers of ${routeId}`;

function serverLines(route: Route): string[] {
  return route.backends.map(
    (it) => `  server ${name(it.name)} ${name(it.host)}:${port(it.port)} weight ${weightOf(it)}`,
  );
}

/** Names are words of the configuration and of commands: nothing in them may mean more. */
function name(text: string): string {
  if (!/^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,253}[A-Za-z0-9])?$/.test(text)) {
    throw new TypeError(`${JSON.stringify(text)} cannot be a name in the router's configuration.`);
  }
  return text;
}

function socketPath(path: string): string {
  if (!/^\/[A-Za-z0-9._/-]{1,95}$/.test(path)) throw new TypeError('The path of the socket is too long or unusual.');
  return path;
}

const port = (value: number) => whole(value, 1, 65_535);

function whole(value: number, least: number, most: number): number {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new TypeError(`${value} is not a whole number from ${least} to ${most}.`);
  }
  return value;
}
