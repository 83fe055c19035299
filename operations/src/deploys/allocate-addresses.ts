import { DeployFailed, PlatformError } from '@eve/domain';
import type { Platform } from '../platform.ts';
import type { DeployContext } from './deploy-context.ts';
import { deployFailure } from './deploy-failure.ts';

/** Each routed port of a service gets its loopback port once, and keeps it. */
export async function allocateAddresses(
  { store, router, settings }: Pick<Platform, 'store' | 'router' | 'settings'>,
  { environment, target }: DeployContext,
): Promise<void> {
  const known = await store.addresses.listOfEnvironment(environment.tenantId, environment.id);
  for (const { service } of target.services) {
    for (const { container, published, protocol } of service.ports) {
      const key = {
        tenantId: environment.tenantId,
        environmentId: environment.id,
        service: service.name,
        containerPort: container,
        protocol,
      };
      const has = known.find((address) => address.service === service.name && address.containerPort === container);
      if (has && (published === null || has.port === published)) continue;
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
        if (published !== null || (await router.canListen(address.port))) break;
        unusable.push(address.port);
      }
    }
  }
}
