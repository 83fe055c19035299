import { type ImagePlace, type Manifest, PlatformError, parseImageReference, type Service } from '@eve/domain';
import type { Settings } from '../platform.ts';

/** Whose images: the first two parts of every repository in the registry that Eve runs. */
export interface ImageOwner {
  readonly organisation: string;
  readonly project: string;
}

/** The repository prefix that a project owns in the registry that Eve runs. */
export function projectPrefix({ organisation, project }: ImageOwner): string {
  return `${organisation}/${project}/`;
}

/** Where a service's built image is pushed: derived, or as its explicit `image` says. Throws `manifest_invalid`. */
export function imagePlace(
  { registry }: Pick<Manifest, 'registry'>,
  service: Service,
  owner: ImageOwner,
  { registryHost }: Pick<Settings, 'registryHost'>,
): ImagePlace {
  const explicit = service.image === null ? null : parseImageReference(service.image);
  const hostGiven = service.image !== null && /^[^/]*[.:][^/]*\/|^localhost\//.test(service.image);
  const invalid = (message: string) =>
    new PlatformError('manifest_invalid', message, { details: [{ path: `services.${service.name}.image`, message }] });
  if (service.image !== null && !explicit) throw invalid(`"${service.image}" is no image name.`);

  if (registry.mode === 'none') {
    if (!explicit) {
      throw invalid(
        `Service ${service.name} has "build" while the registry is "none": name the image that the engine may push, or set a registry.`,
      );
    }
    return { registry: explicit.host, repository: explicit.repository };
  }
  const prefix = projectPrefix(owner);
  if (explicit && hostGiven) {
    if (explicit.host !== registryHost) return { registry: explicit.host, repository: explicit.repository };
    if (!explicit.repository.startsWith(prefix)) {
      throw invalid(
        `The image of service ${service.name} lies outside the project's part of this registry: use ${registryHost}/${prefix}….`,
      );
    }
    return { registry: 'eve', repository: explicit.repository };
  }
  if (registry.mode === 'own') {
    const [host = '', ...path] = registry.host.split('/');
    const name = explicit ? explicit.repository.replace(/^library\//, '') : service.name;
    return {
      registry: host,
      repository: [...path, ...(registry.namespace ? [registry.namespace] : []), name].join('/'),
    };
  }
  return { registry: 'eve', repository: prefix + (explicit?.repository.split('/').at(-1) ?? service.name) };
}

/** A full reference for the engine and people on this machine; `suffix` is a tag or digest. Throws `registry_unavailable`. */
export function renderImage(
  { registryHost }: Pick<Settings, 'registryHost'>,
  place: ImagePlace,
  suffix?: string,
): string {
  const host = place.registry === 'eve' ? registryHost : place.registry;
  if (!host)
    throw new PlatformError('registry_unavailable', 'Eve runs no registry here: set `registry` in the manifest.');
  const joined = suffix === undefined ? '' : suffix.startsWith('sha256:') ? `@${suffix}` : `:${suffix}`;
  return `${host}/${place.repository}${joined}`;
}
