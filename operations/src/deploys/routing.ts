import { type EnvironmentId, PlatformError, serviceLabel } from '@eve/domain';
import type { Platform } from '../platform.ts';
import type { DeployTarget } from '../ports/deployer.ts';
import type { Backend, Route, RoutingTable } from '../ports/router.ts';
import type { Endpoint, ServiceAddress } from '../ports/stored.ts';
import { pause } from '../work/pause.ts';
import { placeOf } from './deploy-target.ts';

const attempts = 8;
const keepMs = 5_000;

/** Renders the whole routing table from the database and brings the router to it; tries again when another change was faster. */
export async function applyRouting(
  platform: Pick<Platform, 'store' | 'router' | 'settings'>,
  signal?: AbortSignal,
  concerning?: EnvironmentId,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const whole = await routingTable(platform, await platform.store.endpoints.nextRoutingVersion());
    const table = concerning ? { ...whole, concerning } : whole;
    try {
      return await platform.router.apply(table, signal);
    } catch (error) {
      const overtaken = error instanceof PlatformError && error.code === 'lease_lost';
      if (!overtaken || attempt >= attempts) throw error;
    }
  }
}

/** The routes follow as soon as the router is well again; what was started must not stay for want of it. */
export async function routeIfPossible(
  platform: Pick<Platform, 'store' | 'router' | 'settings' | 'log'>,
  { deployId }: Pick<DeployTarget, 'deployId'>,
  signal: AbortSignal,
): Promise<void> {
  await applyRouting(platform, signal).catch((error: unknown) => {
    if (signal.aborted) throw error;
    platform.log.error({ deployId, error }, 'the router could not be brought to the recorded routes');
  });
}

/**
 * Brings the router back to what is recorded, until the signal: it may have been killed, or the machine restarted. Costs next to
 * nothing while everything is as it should be.
 */
export async function keepRouting(
  platform: Pick<Platform, 'store' | 'router' | 'settings' | 'log'>,
  signal: AbortSignal,
): Promise<void> {
  const { store, router, log } = platform;
  while (!signal.aborted) {
    try {
      const version = await store.endpoints.routingVersion();
      await router.apply(await routingTable(platform, version), signal);
    } catch (error) {
      const overtaken = error instanceof PlatformError && error.code === 'lease_lost';
      if (!overtaken && !signal.aborted) log.warn({ error }, 'the router could not be brought to the recorded routes');
    }
    await pause(keepMs, signal);
  }
}

/** The routing table as the database has it, under a version that was taken before it is read. */
export async function routingTable(
  { store, settings }: Pick<Platform, 'store' | 'settings'>,
  version: number,
): Promise<RoutingTable> {
  const [addresses, endpoints, environments] = await Promise.all([
    store.addresses.listAll(),
    store.endpoints.listAll(),
    store.environments.all(),
  ]);
  const routes: Route[] = [];
  for (const environment of environments) {
    const mine = addresses.filter(({ environmentId }) => environmentId === environment.id);
    if (mine.length === 0) continue;
    const project = await store.projects.get(environment.tenantId, environment.projectId);
    const organisation = await store.organisations.get(environment.tenantId);
    const owner = { environment: environment.name, project: project.slug };
    for (const address of mine) {
      const first =
        Math.min(...mine.filter(({ service }) => service === address.service).map(({ port }) => port)) === address.port;
      const labels = first
        ? [null, organisation.slug].map((slug) =>
            serviceLabel({ ...owner, service: address.service, organisation: slug }),
          )
        : [];
      const place = placeOf(settings, { organisation: organisation.slug, project: project.slug }, environment);
      routes.push(routeOf(address, place, endpoints, labels));
    }
  }
  return { version, domain: settings.domain, httpPort: settings.routerPort, routes: withoutSharedLabels(routes) };
}

function routeOf(
  address: ServiceAddress,
  place: string,
  endpoints: readonly Endpoint[],
  labels: readonly string[],
): Route {
  const backends = endpoints
    .filter((endpoint) => endpoint.environmentId === address.environmentId && endpoint.service === address.service)
    .filter(({ containerPort, state }) => containerPort === address.containerPort && state !== 'starting')
    .map(
      (endpoint): Backend => ({
        name: endpoint.instance,
        host: endpoint.host,
        port: endpoint.port,
        weight: endpoint.weight,
        state: endpoint.state === 'serving' ? 'serving' : 'draining',
      }),
    );
  return {
    id: `${address.environmentId}/${address.service}/${address.containerPort}`,
    environmentId: address.environmentId,
    place,
    service: address.service,
    containerPort: address.containerPort,
    protocol: address.protocol,
    host: address.protocol === 'http' ? address.host : null,
    labels: address.protocol === 'http' ? labels : [],
    port: address.port,
    backends,
  };
}

/** A short label belongs to the oldest environment that has it: two organisations may use the same names. */
function withoutSharedLabels(routes: readonly Route[]): Route[] {
  const taken = new Set<string>();
  return [...routes]
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map((route) => {
      const labels = route.labels.filter((label) => !taken.has(label));
      for (const label of labels) taken.add(label);
      return { ...route, labels };
    });
}
