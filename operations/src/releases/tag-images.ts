import { type Project, type Release, versionTag } from '@eve/domain';
import { projectPrefix, renderImage } from '../builds/image-place.ts';
import type { Platform } from '../platform.ts';
import { loginFor } from '../registry/registry-login.ts';

/** Gives the project's own images the version as a tag, alone and with the commit, for people; nothing is deployed by it. */
export async function tagImages(
  platform: Pick<Platform, 'store' | 'registry' | 'registryLogins' | 'settings' | 'now'>,
  project: Project,
  release: Release,
): Promise<void> {
  const organisation = await platform.store.organisations.get(project.tenantId);
  const prefix = projectPrefix({ organisation: organisation.slug, project: project.slug });
  const login = await platform.registryLogins.issue({
    tenantId: project.tenantId,
    subject: release.id,
    prefix,
    actions: ['pull', 'push'],
    expiresAt: new Date(platform.now().getTime() + 5 * 60_000),
  });
  const own = Object.values(release.images).filter(
    ({ image }) => image.registry === 'eve' && image.repository.startsWith(prefix),
  );
  await Promise.all(
    own.flatMap(({ image, digest }) => {
      const reference = renderImage(platform.settings, image, digest);
      return imageTagsOf(release).map((tag) =>
        platform.registry.tag(reference, tag, loginFor([login], image, platform.settings)),
      );
    }),
  );
}

/** `v1.2.3`, and where the commit is known `v1.2.3-a1b2c3d4`. */
function imageTagsOf({ version, gitSha }: Release): string[] {
  if (version === null) return [];
  const tag = versionTag(version);
  return gitSha === null ? [tag] : [tag, `${tag}-${gitSha.slice(0, 8)}`];
}
