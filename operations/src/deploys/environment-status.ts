import {
  type Deploy,
  deployableServices,
  type Environment,
  type ProjectId,
  type Release,
  type Revision,
  serviceLabel,
} from '@eve/domain';
import { renderImage } from '../builds/image-place.ts';
import type { Caller } from '../caller.ts';
import { getEnvironment } from '../environments/get-environment.ts';
import type { Platform } from '../platform.ts';
import type { Instance } from '../ports/deployer.ts';
import { manifestOf } from './queue-deploy.ts';

export interface ServiceStatus {
  readonly name: string;
  readonly state: 'running' | 'starting' | 'stopped' | 'missing';
  readonly instances: readonly Instance[];
  readonly image: string;
  readonly urls: readonly string[];
  /** Whether the runtime reports the digest that the release names. */
  readonly digestMatches: boolean;
}

export interface EnvironmentStatus {
  readonly environment: Environment;
  readonly revision: Revision | null;
  readonly release: Release | null;
  readonly lastDeploy: Deploy | null;
  readonly services: readonly ServiceStatus[];
  readonly health: 'ready' | 'deploying' | 'degraded' | 'unknown';
}

/** What runs in an environment now, read back from the runtime and compared with what its revision says. */
export async function environmentStatus(
  platform: Platform,
  caller: Caller,
  projectId: ProjectId,
  envName: string,
): Promise<EnvironmentStatus> {
  const { store, deployer } = platform;
  const environment = await getEnvironment(platform, caller, projectId, envName);
  const { tenantId } = environment;
  const [lastDeploy = null] = (await store.deploys.list(tenantId, environment.id, { limit: 1 })).items;
  const revision = environment.currentRevisionId
    ? await store.revisions.get(tenantId, environment.currentRevisionId)
    : null;
  const release = revision ? await store.releases.get(tenantId, revision.releaseId) : null;
  if (!release) {
    const busy = lastDeploy?.status === 'pending' || lastDeploy?.status === 'deploying';
    return { environment, revision, release, lastDeploy, services: [], health: busy ? 'deploying' : 'unknown' };
  }

  const manifest = await manifestOf(platform, release);
  const instances = await deployer.observe(environment.id);
  const urls = await urlsOf(platform, environment);
  const services = deployableServices(manifest).map(({ name, replicas }): ServiceStatus => {
    const mine = instances.filter(({ service }) => service === name);
    const running = mine.filter(({ state, named }) => state === 'running' && named);
    const image = release.images[name];
    const known = image ? [image.digest, ...image.platforms.flatMap((each) => [each.manifest, each.config])] : [];
    return {
      name,
      state:
        running.length >= replicas
          ? 'running'
          : mine.some(({ state }) => state === 'restarting')
            ? 'starting'
            : mine.length > 0
              ? 'stopped'
              : 'missing',
      // What drains after a deploy is on its way out.
      instances: mine.filter(({ state, named }) => named || state !== 'running'),
      image: image ? (release.local ? image.digest : renderImage(platform.settings, image.image, image.digest)) : '',
      urls: urls[name] ?? [],
      digestMatches:
        running.length > 0 && running.every(({ digests }) => digests.some((digest) => known.includes(digest))),
    };
  });
  const deploying = lastDeploy?.status === 'deploying' || lastDeploy?.status === 'pending';
  const ready = services.every(({ state, digestMatches }) => state === 'running' && digestMatches);
  return {
    environment,
    revision,
    release,
    lastDeploy,
    services,
    health: deploying ? 'deploying' : ready ? 'ready' : 'degraded',
  };
}

/** Where each service is reached: its host name on the shared port, and its own loopback port. */
async function urlsOf({ store, settings }: Platform, environment: Environment): Promise<Record<string, string[]>> {
  const project = await store.projects.get(environment.tenantId, environment.projectId);
  const addresses = await store.addresses.listOfEnvironment(environment.tenantId, environment.id);
  const urls: Record<string, string[]> = {};
  for (const { service, port, protocol } of addresses) {
    const label = serviceLabel({ service, environment: environment.name, project: project.slug, organisation: null });
    const byName =
      protocol === 'http' && !urls[service] ? [`http://${label}.${settings.domain}:${settings.routerPort}`] : [];
    const scheme = protocol === 'http' ? 'http' : 'tcp';
    urls[service] = [...(urls[service] ?? []), ...byName, `${scheme}://127.0.0.1:${port}`];
  }
  return urls;
}

/** The last lines that each instance of a service printed. */
export async function environmentLogs(
  platform: Pick<Platform, 'store' | 'deployer'>,
  caller: Caller,
  { projectId, envName, service, tail }: { projectId: ProjectId; envName: string; service: string; tail: number },
): Promise<readonly { instance: string; lines: readonly string[] }[]> {
  const environment = await getEnvironment(platform, caller, projectId, envName);
  const instances = (await platform.deployer.observe(environment.id)).filter((each) => each.service === service);
  return Promise.all(
    instances.map(async (each) => ({ instance: each.name, lines: await platform.deployer.tail(each, tail) })),
  );
}
