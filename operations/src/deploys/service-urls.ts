import { type Environment, serviceLabel } from '@eve/domain';
import type { Platform } from '../platform.ts';
import { placeOf } from './deploy-target.ts';

/**
 * Where each service is reached. On a machine: its host names on the shared port, and its own loopback port. In a cluster: its host
 * names where there is a way in, and its name inside.
 */
export async function urlsOf(
  { store, settings, router }: Pick<Platform, 'store' | 'settings' | 'router'>,
  environment: Environment,
): Promise<Record<string, string[]>> {
  const { tenantId, id, projectId, name } = environment;
  const project = await store.projects.get(tenantId, projectId);
  const organisation = await store.organisations.get(tenantId);
  const place = placeOf(settings, { organisation: organisation.slug, project: project.slug }, environment);
  const isMachine = settings.addresses === 'machine';
  const scheme = isMachine ? 'http' : (router.outside ?? null);
  const shared = isMachine ? `:${settings.routerPort}` : '';
  const urls: Record<string, string[]> = {};
  for (const { service, port, containerPort, protocol, host } of await store.addresses.listOfEnvironment(
    tenantId,
    id,
  )) {
    const label = serviceLabel({ service, environment: name, project: project.slug, organisation: null });
    const hosts = protocol === 'http' ? [host, urls[service] ? null : `${label}.${settings.domain}`] : [];
    const byName = hosts.flatMap((each) => (each && scheme ? [`${scheme}://${each}${shared}`] : []));
    const own = isMachine ? `127.0.0.1:${port}` : `${service}-public.${place}.svc.cluster.local:${containerPort}`;
    urls[service] = [...(urls[service] ?? []), ...byName, `${protocol}://${own}`];
  }
  return urls;
}
