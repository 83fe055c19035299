import { deployableServices, type Manifest, PlatformError, type Project, type ProjectId } from '@eve/domain';
import { imagePlace, renderImage } from '../builds/image-place.ts';
import type { Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import type { ImageChoice } from '../releases/resolve-images.ts';

interface ImagesAskedFor {
  readonly projectId: ProjectId;
  readonly imageDigests?: Readonly<Record<string, string>>;
  readonly imageTag?: string;
}

/** Whether the local engine holds `<image>:local` of every service that the manifest builds (the seed's local loop). */
export async function hasLocalImages(
  { settings, deployer, store }: Pick<Platform, 'settings' | 'deployer' | 'store'>,
  project: Project,
  manifest: Manifest,
): Promise<boolean> {
  if (!settings.localSources) return false;
  const organisation = await store.organisations.get(project.tenantId);
  const owner = { organisation: organisation.slug, project: project.slug };
  const built = deployableServices(manifest).filter(({ build, image }) => build && image);
  if (built.length === 0 || built.length !== deployableServices(manifest).filter(({ build }) => build).length)
    return false;
  for (const service of built) {
    const byHand = `${service.image?.replace(/:[^:/]+$/, '')}:local`;
    if (byHand === renderImage(settings, imagePlace(manifest, service, owner, settings), 'local')) return false;
    if (!(await deployer.localImage(byHand))) return false;
  }
  return true;
}

/** What names the images of a direct deploy: digests, a tag, or what was built last of the commit. Throws `artifacts_missing`. */
export async function choiceFor(
  { store }: Pick<Platform, 'store'>,
  caller: Caller,
  { projectId, imageDigests, imageTag }: ImagesAskedFor,
  commit: { gitSha: string | null; manifestHash: string },
): Promise<ImageChoice> {
  if (imageDigests) return { kind: 'digests', digests: imageDigests };
  if (imageTag === 'local') return { kind: 'local', tag: 'local' };
  if (imageTag !== undefined) {
    const artifacts = await store.buildArtifacts.findByTag(caller.tenantId, projectId, imageTag);
    return artifacts.length > 0 ? { kind: 'artifacts', artifacts } : { kind: 'tag', tag: imageTag };
  }
  const newest = await store.buildArtifacts.findComplete(
    caller.tenantId,
    projectId,
    commit.gitSha as string,
    commit.manifestHash,
  );
  if (newest) return { kind: 'artifacts', artifacts: newest.artifacts };
  throw new PlatformError(
    'artifacts_missing',
    `Nothing was built of ${commit.gitSha} with this manifest. Build it: \`eve build create --ref ${commit.gitSha} --manifest-hash ${commit.manifestHash}\`, then \`eve build run <build id>\`.`,
  );
}
