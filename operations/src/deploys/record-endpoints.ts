import type { Platform } from '../platform.ts';
import type { Instance } from '../ports/deployer.ts';
import type { ClaimedWork } from '../ports/work-queue.ts';
import type { DeployContext } from './deploy-context.ts';

/**
 * What an instance weighs against others of its service that get the same. The least there is: a router's turn is as many requests
 * as the weights together, and other weights count from the next turn on.
 */
export const evenWeight = 1;

/** Weights that give the same to each. */
export function evenly(instances: readonly string[]): Record<string, number> {
  return Object.fromEntries(instances.map((name) => [name, evenWeight]));
}

/** Records where an instance is reached; one that is known keeps its state. */
export async function recordEndpoints(
  { store }: Pick<Platform, 'store'>,
  { environment }: Pick<DeployContext, 'environment'>,
  work: ClaimedWork,
  instance: Instance,
): Promise<void> {
  const known = await store.endpoints.listOfEnvironment(environment.tenantId, environment.id);
  for (const { container, host, port } of instance.ports) {
    const before = known.find(
      (endpoint) => endpoint.instance === instance.name && endpoint.containerPort === container,
    );
    const endpoint = {
      tenantId: environment.tenantId,
      environmentId: environment.id,
      deployId: instance.deployId,
      service: instance.service,
      instance: instance.name,
      containerPort: container,
      host,
      port,
      state: before?.state ?? 'starting',
      weight: before?.weight ?? evenWeight,
      warmUntil: before?.warmUntil ?? null,
    } as const;
    await store.endpoints.upsert(endpoint, work.lease);
  }
}

/** Records where instances are reached that are to get traffic and are not known: the runtime may have made some itself. */
export async function recordMissing(
  platform: Pick<Platform, 'store'>,
  context: Pick<DeployContext, 'environment'>,
  work: ClaimedWork,
  instances: readonly Instance[],
): Promise<void> {
  const { tenantId, id } = context.environment;
  const known = new Set(
    (await platform.store.endpoints.listOfEnvironment(tenantId, id)).map(({ instance }) => instance),
  );
  for (const each of instances) if (!known.has(each.name)) await recordEndpoints(platform, context, work, each);
}
