import {
  type Manifest,
  type PackageDifference,
  type Project,
  packageDifferences,
  type Release,
  type ReleaseImage,
} from '@eve/domain';
import { renderImage } from '../builds/image-place.ts';
import type { Platform } from '../platform.ts';
import type { RegistryLogin } from '../ports/builder.ts';
import { loginFor, readingLogins } from '../registry/registry-login.ts';
import { imagePackages } from './image-packages.ts';

type Needs = Pick<Platform, 'store' | 'vault' | 'settings' | 'registry' | 'registryLogins' | 'now'>;

export interface ImageSide {
  readonly reference: string;
  readonly digest: string;
  /** What is pulled; null where the registry did not say. */
  readonly sizeBytes: number | null;
}

export interface ImageDifference {
  readonly service: string;
  readonly before: ImageSide | null;
  readonly after: ImageSide | null;
  readonly same: boolean;
  /** Null unless both images carry an SBOM. */
  readonly packages: readonly PackageDifference[] | null;
}

/** Compares the images of two releases, service by service; `notes` gets what could not be looked at. */
export async function imageDifferences(
  platform: Needs,
  project: Project,
  { before, after, then, now }: { before: Release; after: Release; then: Manifest | null; now: Manifest | null },
  notes: string[],
  signal: AbortSignal,
): Promise<readonly ImageDifference[]> {
  const { slug } = await platform.store.organisations.get(project.tenantId);
  const owner = { organisation: slug, project: project.slug, tenantId: project.tenantId, projectId: project.id };
  const loginsOf = (manifest: Manifest | null) =>
    readingLogins(platform, manifest ?? { registry: { mode: 'eve' } }, owner);
  const [old, young] = await Promise.all([loginsOf(then), loginsOf(now)]);
  const services = [...new Set([...Object.keys(before.images), ...Object.keys(after.images)])].sort();
  const found: ImageDifference[] = [];
  for (const service of services) {
    const [was, is] = [
      imageReader(platform, before.images[service], old, signal),
      imageReader(platform, after.images[service], young, signal),
    ];
    const same = was?.digest === is?.digest;
    const sides = await Promise.all([was?.side(), is?.side()]);
    const packages = same || !was || !is ? null : await packagesBetween([was, is], service, notes);
    found.push({ service, before: sides[0] ?? null, after: sides[1] ?? null, same, packages });
  }
  if (found.some(({ before: a, after: b }) => a?.sizeBytes === null || b?.sizeBytes === null))
    notes.push('Some sizes are not known: the registry did not show the images.');
  return found;
}

async function packagesBetween(
  [was, is]: readonly [ImageReader, ImageReader],
  service: string,
  notes: string[],
): Promise<readonly PackageDifference[] | null> {
  try {
    const [then, now] = await Promise.all([was.packages(), is.packages()]);
    return then && now && packageDifferences(then, now);
  } catch {
    notes.push(`The packages of ${service} are not known: the registry did not show them.`);
    return null;
  }
}

type ImageReader = NonNullable<ReturnType<typeof imageReader>>;

/** Reads one image of a release; null where the release has none. */
function imageReader(
  { registry, settings }: Needs,
  image: ReleaseImage | undefined,
  logins: readonly RegistryLogin[],
  signal: AbortSignal,
) {
  if (!image) return null;
  const { digest } = image;
  const hidden = image.image.registry === 'eve' && settings.registryHost === null;
  const reference = hidden ? `${image.image.repository}@${digest}` : renderImage(settings, image.image, digest);
  const login = loginFor(logins, image.image, settings);
  return {
    digest,
    side: async (): Promise<ImageSide> => {
      const found = hidden ? null : await registry.inspect(reference, login, signal).catch(() => null);
      return { reference, digest, sizeBytes: found?.sizeBytes ?? null };
    },
    packages: () => (hidden ? Promise.resolve(null) : imagePackages(registry, reference, login, signal)),
  };
}
