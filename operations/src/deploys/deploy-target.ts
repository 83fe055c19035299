import {
  type ConfigVersion,
  configurationOf,
  type Deploy,
  deployableServices,
  type Environment,
  imageIdentity,
  type Manifest,
  type Release,
  type Revision,
  type Service,
  secretNamesIn,
  shortId,
} from '@eve/domain';
import { type ImageOwner, renderImage } from '../builds/image-place.ts';
import { canonicalJson, sha256 } from '../canonical.ts';
import type { Settings } from '../platform.ts';
import type { RegistryLogin } from '../ports/builder.ts';
import type { DeployTarget, ReleaseInfo, ServiceTarget } from '../ports/deployer.ts';
import { loginFor } from '../registry/registry-login.ts';

export interface RevisionParts {
  readonly deploy: Deploy;
  readonly environment: Environment;
  readonly revision: Revision;
  readonly release: Release;
  /** Which the release was made of; null for one without. */
  readonly build: { readonly number: number; readonly builtAt: Date | null } | null;
  readonly manifest: Manifest;
  readonly config: ConfigVersion;
  readonly secrets: Readonly<Record<string, string>>;
  readonly logins: readonly RegistryLogin[];
  readonly owner: ImageOwner;
  readonly settings: Settings;
  /** Names of instances that may be taken up again. */
  readonly reusable: readonly string[];
}

/** The name that everything of an environment begins with on its machine. */
export function placeOf(
  { installation }: Pick<Settings, 'installation'>,
  owner: ImageOwner,
  environment: Pick<Environment, 'id' | 'name'>,
): string {
  return `eve-${installation}-${owner.project}-${environment.name}-${shortId(environment.id).slice(-6)}`;
}

/** All services of a revision with images, values and hashes settled: what the deployer brings about. */
export function deployTarget(parts: RevisionParts): DeployTarget {
  const { deploy, environment, revision, manifest, settings, owner, reusable } = parts;
  return {
    deployId: deploy.id,
    environment,
    place: placeOf(settings, owner, environment),
    revision: { id: revision.id, number: revision.number },
    release: releaseInfo(parts),
    configVersion: parts.config.number,
    services: deployableServices(manifest).map((service) => serviceTarget(service, parts)),
    reusable,
  };
}

function releaseInfo({ release, build }: RevisionParts): ReleaseInfo {
  const { tag, version, gitSha } = release;
  return { tag, version, gitSha, builtAt: build?.builtAt ?? null, buildNumber: build?.number ?? null };
}

function serviceTarget(service: Service, parts: RevisionParts): ServiceTarget {
  const { release, logins, settings } = parts;
  const image = release.images[service.name];
  if (!image) throw new Error(`Release ${release.id} has no image of ${service.name}.`);
  const { environment, secretNames } = resolvedEnvironment(service, parts);
  return {
    service,
    image: release.local && service.build ? image.digest : renderImage(settings, image.image, image.digest),
    local: release.local && service.build !== null,
    digests: [image.digest, ...image.platforms.flatMap(({ manifest, config }) => [manifest, config])],
    login: loginFor(logins, image.image, settings),
    environment,
    secretNames,
    hash: sha256(canonicalJson({ digest: imageIdentity(image), environment, service: shapeOf(service) })),
    port: service.ports[0]?.container ?? service.expose[0] ?? null,
  };
}

/** What of a service shapes its instances: how its image came about, who comes first, by which host and how many at most does not. */
function shapeOf(service: Service): object {
  const {
    build: _build,
    image: _image,
    dependsOn: _dependsOn,
    autoscale: _autoscale,
    ingressHost: _host,
    ...rest
  } = service;
  const { ports, preStopMs, ...shape } = rest;
  // What older versions did not know is left out where it says nothing: instances that they started are of the same hash.
  return { ...shape, ...(preStopMs !== null && { preStopMs }), ports: ports.map(({ container }) => container) };
}

/** The service's values, then the environment's overrides, then the configuration; references replaced last, `$$` being one dollar sign. */
function resolvedEnvironment(
  service: Service,
  { manifest, environment, config, secrets, owner, settings }: RevisionParts,
): { environment: Record<string, string>; secretNames: string[] } {
  const builtIn: Record<string, string> = {
    ENV_NAME: environment.name,
    PROJECT_ID: environment.projectId,
    ORG_ID: environment.tenantId,
    ORG_SLUG: owner.organisation,
    COMPONENT_NAME: service.name,
    ...(service.ports[0] && { PORT: String(service.ports[0].container) }),
  };
  const replace = (text: string) =>
    text.replace(
      /\$\$|\$\{(secret\.)?([A-Za-z_][A-Za-z0-9_]*)\}/g,
      (whole, secret: string | undefined, name: string | undefined) =>
        name === undefined ? '$' : ((secret ? secrets[name] : builtIn[name]) ?? whole),
    );
  const values: Record<string, string> = {
    EVE_API_URL: settings.publicUrl,
    EVE_PROJECT_ID: environment.projectId,
    EVE_ORG_ID: environment.tenantId,
    EVE_ENV_NAME: environment.name,
    ...service.environment,
    ...manifest.environments[environment.name]?.environment[service.name],
  };
  for (const [name, value] of Object.entries(configurationOf(config, service.name))) {
    values[name] = 'plain' in value ? value.plain : `\${secret.${value.secret}}`;
  }
  return {
    environment: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, replace(value)])),
    secretNames: Object.keys(values).filter((name) => secretNamesIn([values[name] ?? '']).size > 0),
  };
}

/** Whether two instances of a service at once would write to one volume. */
export function writesVolume({ volumes }: Pick<Service, 'volumes'>): boolean {
  return volumes.some(({ readOnly }) => !readOnly);
}
