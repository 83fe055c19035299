import { type Manifest, PlatformError, type Release } from '@eve/domain';
import { parseManifest } from '../manifests/parse-manifest.ts';
import type { Records } from '../ports/store.ts';

/** The parsed manifest of a release. Throws `manifest_not_found`. */
export async function manifestOf(
  { store }: { store: Pick<Records, 'manifests'> },
  release: Pick<Release, 'id' | 'tenantId' | 'projectId' | 'manifestHash'>,
): Promise<Manifest> {
  const record = await store.manifests.findByHash(release.tenantId, release.projectId, release.manifestHash);
  const manifest = record && parseManifest(record.yaml).manifest;
  if (manifest) return manifest;
  throw new PlatformError(
    'manifest_not_found',
    `The manifest ${release.manifestHash} of release ${release.id} is not there.`,
  );
}
