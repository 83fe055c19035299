import {
  type BuildArtifact,
  deployableServices,
  isDigest,
  type Manifest,
  PlatformError,
  type Project,
  parseImageReference,
  type ReleaseImage,
  type Service,
} from '@eve/domain';
import { imagePlace, renderImage } from '../builds/image-place.ts';
import type { Platform } from '../platform.ts';
import { loginFor, registryLogins } from '../registry/registry-login.ts';

type Needs = Pick<Platform, 'store' | 'vault' | 'registryLogins' | 'registry' | 'settings' | 'now' | 'deployer'>;

/** What names the images of services that the manifest builds. */
export type ImageChoice =
  | { readonly kind: 'artifacts'; readonly artifacts: readonly BuildArtifact[] }
  | { readonly kind: 'digests'; readonly digests: Readonly<Record<string, string>> }
  | { readonly kind: 'tag'; readonly tag: string }
  | { readonly kind: 'local'; readonly tag: string };

/** What is told of an image that was to be made by hand, where whoever runs it does not hold it. */
export function noLocalImage({ addresses }: Pick<Platform['settings'], 'addresses'>, named: string): PlatformError {
  const message =
    addresses === 'cluster'
      ? `The cluster's machines tell no digest of an image ${named}: import it with \`ctr images import --digests\` or \`kind load\`; \`k3d image import\` leaves the digest out.`
      : `The local engine holds no image ${named}: build it with \`docker build -t ${named} …\`.`;
  return new PlatformError('image_unknown', message);
}

/**
 * Resolves every service that is deployed to an image by digest: built ones as chosen, ready-made ones by their tag now.
 * Throws `image_unknown` or `artifacts_missing` naming the service.
 */
export async function resolveImages(
  platform: Needs,
  project: Project,
  manifest: Manifest,
  choice: ImageChoice,
): Promise<Record<string, ReleaseImage>> {
  const organisation = await platform.store.organisations.get(project.tenantId);
  const owner = {
    organisation: organisation.slug,
    project: project.slug,
    tenantId: project.tenantId,
    projectId: project.id,
  };
  const expiresAt = new Date(platform.now().getTime() + 5 * 60_000);
  const logins = await registryLogins(platform, manifest, owner, { subject: project.id, actions: ['pull'], expiresAt });

  const inspect = async (place: ReleaseImage['image'], suffix: string): Promise<ReleaseImage | null> => {
    const found = await platform.registry.inspect(
      renderImage(platform.settings, place, suffix),
      loginFor(logins, place, platform.settings),
    );
    return found && { image: place, ...found.digests };
  };
  const stillThere = async ({ image, digests, serviceName, buildId }: BuildArtifact) => {
    const reference = renderImage(platform.settings, image, digests.digest);
    const login = loginFor(logins, image, platform.settings);
    if (image.registry !== 'eve' || (await platform.registry.exists(reference, login))) return digests;
    throw new PlatformError(
      'artifacts_missing',
      `The image of service ${serviceName} is no longer in the registry: build it again, \`eve build run ${buildId}\`.`,
    );
  };
  const built = async (service: Service): Promise<ReleaseImage> => {
    if (choice.kind === 'artifacts') {
      const artifact = choice.artifacts.find(({ serviceName }) => serviceName === service.name);
      if (artifact) return { image: artifact.image, ...(await stillThere(artifact)) };
      throw new PlatformError(
        'artifacts_missing',
        `The build made no image of service ${service.name}: build all services, then release.`,
      );
    }
    const place = imagePlace(manifest, service, owner, platform.settings);
    if (choice.kind === 'local') {
      const reference = renderImage(platform.settings, place, choice.tag);
      const named = service.image ? `${service.image.replace(/:[^:/]+$/, '')}:${choice.tag}` : reference;
      const local = (await platform.deployer.localImage(named)) ?? (await platform.deployer.localImage(reference));
      if (local) return { image: place, digest: local.id, platforms: [] };
      throw noLocalImage(platform.settings, named);
    }
    const suffix = choice.kind === 'tag' ? choice.tag : choice.digests[service.name];
    if (suffix === undefined)
      throw new PlatformError('artifacts_missing', `image_digests names no digest for service ${service.name}.`);
    if (choice.kind === 'digests' && !isDigest(suffix)) {
      throw new PlatformError(
        'digest_mismatch',
        `The digest of service ${service.name} must be sha256: and 64 hex digits.`,
      );
    }
    const found = await inspect(place, suffix);
    if (found) return found;
    throw new PlatformError('image_unknown', `The registry holds no ${renderImage(platform.settings, place, suffix)}.`);
  };
  const readyMade = async (service: Service): Promise<ReleaseImage> => {
    const parsed = parseImageReference(service.image ?? '');
    if (!parsed) throw new PlatformError('image_unknown', `Service ${service.name} names no image.`);
    const suffix = parsed.digest ?? parsed.tag ?? 'latest';
    const own = parsed.host === platform.settings.registryHost ? 'eve' : parsed.host;
    const mirrored = parsed.host === 'docker.io' && platform.settings.registryHost !== null;
    const found =
      (mirrored ? await inspect({ registry: 'eve', repository: parsed.repository }, suffix) : null) ??
      (await inspect({ registry: own, repository: parsed.repository }, suffix));
    if (found) return found;
    throw new PlatformError(
      'image_unknown',
      `The image ${service.image} of service ${service.name} is not in its registry.`,
    );
  };

  const services = deployableServices(manifest);
  const images = await Promise.all(services.map((service) => (service.build ? built(service) : readyMade(service))));
  return Object.fromEntries(services.map(({ name }, index) => [name, images[index] as ReleaseImage]));
}
