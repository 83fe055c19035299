import {
  type Deploy,
  deployableServices,
  type Environment,
  PlatformError,
  type ProjectId,
  type Release,
  type Revision,
  serviceLabel,
} from '@eve/domain';
import { renderImage } from '../builds/image-place.ts';
import type { Caller } from '../caller.ts';
import { getEnvironment } from '../environments/get-environment.ts';
import { type Redact, redactor } from '../logs/redact.ts';
import type { Platform } from '../platform.ts';
import type { Instance } from '../ports/deployer.ts';
import { resolveSecrets } from '../secrets/resolve-secrets.ts';
import { manifestOf } from './queue-deploy.ts';
import { secretsOfRevision } from './revision-secrets.ts';

export interface ServiceStatus {
  readonly name: string;
  readonly state: 'running' | 'starting' | 'stopped' | 'missing';
  readonly instances: readonly Instance[];
  /** How many instances there should be. */
  readonly replicas: number;
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
  /** Whether all services of the current revision run as released, also while the next revision is tried. */
  readonly ready: boolean;
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
    const health = busy ? 'deploying' : 'unknown';
    return { environment, revision, release, lastDeploy, services: [], ready: false, health };
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
      replicas,
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
    ready,
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

/** The last lines that each instance of a service printed. Throws `service_not_found` naming the services that there are. */
export async function environmentLogs(
  platform: Pick<Platform, 'store' | 'deployer' | 'vault'>,
  caller: Caller,
  { projectId, envName, service, tail }: { projectId: ProjectId; envName: string; service: string; tail: number },
): Promise<readonly { instance: string; lines: readonly string[] }[]> {
  const environment = await getEnvironment(platform, caller, projectId, envName);
  const running = await platform.deployer.observe(environment.id);
  const instances = running.filter((each) => each.service === service);
  if (instances.length === 0) await refuseUnknownService(platform, environment, service, running);
  const redact = await redactorOf(platform, environment);
  return Promise.all(
    instances.map(async (each) => ({
      instance: each.name,
      lines: (await platform.deployer.tail(each, tail)).map(redact),
    })),
  );
}

/** Hides what the environment's services were given as secrets: by the revision that serves, and by the newest one. */
async function redactorOf(platform: Pick<Platform, 'store' | 'vault'>, environment: Environment): Promise<Redact> {
  const { store } = platform;
  const { tenantId, projectId, currentRevisionId } = environment;
  const [newest] = (await store.deploys.list(tenantId, environment.id, { limit: 1 })).items;
  const revisionIds = new Set([currentRevisionId, newest?.revisionId ?? null].filter((id) => id !== null));
  const secretValues: string[] = [];
  for (const id of revisionIds) {
    const revision = await store.revisions.get(tenantId, id);
    const manifest = await manifestOf(platform, await store.releases.get(tenantId, revision.releaseId));
    const config = await store.configVersions.get(tenantId, revision.configVersionId);
    const names = secretsOfRevision(manifest, environment.name, config);
    const { values } = await resolveSecrets(platform, { tenantId, id: projectId }, names, revision.secretVersions);
    secretValues.push(...Object.values(values));
  }
  return redactor(secretValues);
}

async function refuseUnknownService(
  platform: Pick<Platform, 'store'>,
  { tenantId, name, currentRevisionId }: Environment,
  service: string,
  running: readonly Instance[],
): Promise<void> {
  const revision = currentRevisionId ? await platform.store.revisions.get(tenantId, currentRevisionId) : null;
  const release = revision ? await platform.store.releases.get(tenantId, revision.releaseId) : null;
  const released = release ? deployableServices(await manifestOf(platform, release)) : [];
  const names = new Set([...released.map((each) => each.name), ...running.map((each) => each.service)]);
  if (names.has(service)) return;
  const known = names.size > 0 ? `it has: ${[...names].join(', ')}` : 'nothing was deployed there yet';
  throw new PlatformError('service_not_found', `Environment ${name} has no service "${service}"; ${known}.`);
}
