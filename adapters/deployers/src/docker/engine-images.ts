import {
  type DockerEngine,
  inspectImage,
  isDockerError,
  listContainers,
  listImages,
  removeImage,
} from '@eve/adapter-docker';
import type { EngineImage } from '@eve/operations';

/** Images all of whose names are under these prefixes: one that somebody else named too is theirs as well. */
export async function engineImages(engine: DockerEngine, prefixes: readonly string[]): Promise<EngineImage[]> {
  const [images, used] = await Promise.all([listImages(engine), usedImages(engine)]);
  return images.flatMap((image) => {
    const references = referencesOf(image);
    const ours = references.every((reference) => prefixes.some((prefix) => reference.startsWith(prefix)));
    if (references.length === 0 || !ours) return [];
    const createdAt = new Date(image.Created * 1000);
    return [{ id: image.Id, references, sizeBytes: image.Size, createdAt, inUse: used.has(image.Id) }];
  });
}

/** Removes an image with all its names, unless something uses it or it is gone. */
export async function removeEngineImage(engine: DockerEngine, id: string): Promise<boolean> {
  if (!/^sha256:[a-f0-9]{64}$/.test(id)) return false;
  const image = await inspectImage(engine, id);
  if (!image || (await usedImages(engine)).has(id)) return false;
  try {
    for (const reference of [...referencesOf(image), id]) await removeImage(engine, reference);
  } catch (error) {
    // 409: a container was made of it in the meantime, or another image stands on it.
    if (!isDockerError(error, 409)) throw error;
  }
  return (await inspectImage(engine, id)) === null;
}

function referencesOf({
  RepoTags,
  RepoDigests,
}: {
  readonly RepoTags: string[];
  readonly RepoDigests: string[];
}): string[] {
  return [...RepoTags, ...RepoDigests].filter((reference) => !reference.includes('<none>'));
}

async function usedImages(engine: DockerEngine): Promise<ReadonlySet<string>> {
  return new Set((await listContainers(engine, [])).map(({ ImageID }) => ImageID));
}
