import { DeployFailed, PlatformError, type ServicePort } from '@eve/domain';
import type { Platform } from '../platform.ts';
import type { DeployTarget, ServiceTarget } from '../ports/deployer.ts';
import type { ServiceAddress, ServiceHost } from '../ports/stored.ts';
import type { DeployContext } from './deploy-context.ts';
import { deployFailure } from './deploy-failure.ts';

type Needs = Pick<Platform, 'store' | 'router' | 'settings'>;

/** Each routed port of a service gets its own port of the machine once, and keeps it; and each service the host it asks for. */
export async function allocateAddresses(
  platform: Needs,
  { environment, target }: Pick<DeployContext, 'environment' | 'target'>,
): Promise<void> {
  const { tenantId, id } = environment;
  const known = await platform.store.addresses.listOfEnvironment(tenantId, id);
  for (const wanted of target.services)
    for (const port of wanted.service.ports) {
      const has = known.find((each) => each.service === wanted.service.name && each.containerPort === port.container);
      await allocatePort(platform, environment, wanted, port, has);
    }
  const hosts = hostsOf(target);
  for (const { service, host } of hosts) {
    if (!isReserved(platform.settings, host)) continue;
    const message = `The host ${host} of service ${service} lies in the domain of Eve itself.`;
    throw new DeployFailed(deployFailure('host_taken', message, service));
  }
  await giveHosts(platform, environment, hosts, known).catch((error: unknown) => {
    if (!(error instanceof PlatformError) || error.code !== 'host_taken') throw error;
    throw new DeployFailed(deployFailure('host_taken', error.message));
  });
}

/** Gives back the hosts that services had before a deploy that came to nothing. */
export async function restoreHosts(
  platform: Pick<Platform, 'store' | 'log'>,
  { environment, before }: { readonly environment: DeployContext['environment']; readonly before: DeployTarget | null },
): Promise<void> {
  const known = await platform.store.addresses.listOfEnvironment(environment.tenantId, environment.id);
  await giveHosts(platform, environment, before ? hostsOf(before) : [], known).catch((error: unknown) => {
    if (!(error instanceof PlatformError) || error.code !== 'host_taken') throw error;
    platform.log.warn({ environmentId: environment.id, error: error.message }, 'a host could not be given back');
  });
}

/** The hosts that services ask for, each at its first port. */
function hostsOf({ services }: DeployTarget): ServiceHost[] {
  return services.flatMap(({ service: { name, ingressHost, ports } }) => {
    const [first] = ports;
    return ingressHost && first ? [{ service: name, containerPort: first.container, host: ingressHost }] : [];
  });
}

async function giveHosts(
  { store }: Pick<Platform, 'store'>,
  { tenantId, id }: DeployContext['environment'],
  hosts: readonly ServiceHost[],
  known: readonly ServiceAddress[],
): Promise<void> {
  const has = known.filter(({ host }) => host !== null);
  const isSame =
    has.length === hosts.length &&
    hosts.every((each) =>
      has.some(
        ({ service, containerPort, host }) =>
          service === each.service && containerPort === each.containerPort && host === each.host,
      ),
    );
  if (!isSame) await store.addresses.setHosts(tenantId, id, hosts);
}

/** Names of Eve itself, and those that it gives to services: nobody takes another one's. */
function isReserved({ domain, publicUrl, registryHost }: Needs['settings'], host: string): boolean {
  const own = [new URL(publicUrl).hostname, registryHost?.replace(/:\d+$/, '')];
  return own.includes(host) || host === domain || host.endsWith(`.${domain}`);
}

async function allocatePort(
  { store, router, settings }: Needs,
  environment: DeployContext['environment'],
  { service }: ServiceTarget,
  { container, published: asked, protocol }: ServicePort,
  has: ServiceAddress | undefined,
): Promise<void> {
  const isMachine = settings.addresses === 'machine';
  // In a cluster nobody listens at it: it only has to be another one than all others.
  const published = isMachine ? asked : null;
  const key = {
    tenantId: environment.tenantId,
    environmentId: environment.id,
    service: service.name,
    containerPort: container,
    protocol,
  };
  if (has && (published === null || has.port === published)) return;
  // Before it is given: the address of what serves now must not move to a port that cannot be had.
  if (published !== null && !(await router.canListen(published))) {
    const message = `Port ${published} of service ${service.name} is taken by another program on this machine.`;
    throw new DeployFailed(deployFailure('port_in_use', message, service.name));
  }
  const unusable: number[] = [];
  for (;;) {
    const address = await store.addresses
      .allocate(key, published, settings.servicePortsFrom, unusable)
      .catch((error: unknown) => {
        if (error instanceof PlatformError && error.kind === 'invalid')
          throw new DeployFailed(deployFailure('port_in_use', error.message, service.name));
        throw error;
      });
    if (published !== null || !isMachine || (await router.canListen(address.port))) return;
    unusable.push(address.port);
  }
}
