import {
  buildableServices,
  deployableServices,
  type Manifest,
  PlatformError,
  type Project,
  type ProjectId,
} from '@eve/domain';
import { imagePlace, renderImage } from '../builds/image-place.ts';
import type { Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import type { ImageChoice } from '../releases/resolve-images.ts';

interface ImagesAskedFor {
  readonly projectId: ProjectId;
  readonly imageDigests?: Readonly<Record<string, string>>;
  readonly imageTag?: string;
}

/** Whether the local engine holds `<image>:local`, made by hand, of every service that the manifest builds (the seed's local loop). */
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
    const named = `${service.image?.replace(/:[^:/]+$/, '')}:local`;
    const image = await deployer.localImage(named);
    // A build of Eve gives this tag too, where the name is the one that it pushes.
    const isPushed = named === renderImage(settings, imagePlace(manifest, service, owner, settings), 'local');
    if (!image || (isPushed && !image.byHand)) return false;
  }
  return true;
}

/** What names the images of a direct deploy: digests, a tag, or what was built last of the commit. Throws `artifacts_missing`, `deploy_request_invalid`. */
export async function choiceFor(
  { store }: Pick<Platform, 'store'>,
  caller: Caller,
  { projectId, imageDigests, imageTag }: ImagesAskedFor,
  commit: { gitSha: string | null; manifestHash: string; manifest: Manifest },
): Promise<ImageChoice> {
  if (imageDigests) return { kind: 'digests', digests: imageDigests };
  if (imageTag === 'local') return { kind: 'local', tag: 'local' };
  if (imageTag !== undefined) {
    const tag = await wholeTag({ store }, caller, projectId, imageTag);
    const artifacts = await store.buildArtifacts.findByTag(caller.tenantId, projectId, tag);
    return artifacts.length > 0 ? { kind: 'artifacts', artifacts } : { kind: 'tag', tag };
  }
  if (buildableServices(commit.manifest).length === 0) return { kind: 'artifacts', artifacts: [] };
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

/** `sha-` and the beginning of a commit stand for the one tag of a build that begins so; every other tag for itself. */
async function wholeTag(
  { store }: Pick<Platform, 'store'>,
  { tenantId }: Caller,
  projectId: ProjectId,
  tag: string,
): Promise<string> {
  if (!/^sha-[0-9a-f]{4,39}$/.test(tag)) return tag;
  const tags = await store.buildArtifacts.tagsBeginning(tenantId, projectId, tag);
  if (tags.includes(tag)) return tag;
  const [only, another] = tags;
  if (another === undefined) return only ?? tag;
  throw new PlatformError(
    'deploy_request_invalid',
    `The image tag ${tag} is the beginning of several: ${tags.join(', ')}. Give more digits.`,
  );
}
