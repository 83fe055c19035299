import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoredManifest } from '@eve/domain';
import { z } from 'zod';

const Descriptor = z.object({ digest: z.string(), size: z.number().optional() });
/** Of an image, an index, or a layer cache. */
const Stored = z.object({
  config: Descriptor.optional(),
  layers: z.array(Descriptor).default([]),
  manifests: z.array(Descriptor).default([]),
});

/** What a registry holds in its directory (distribution's layout, version 2). What is removed meanwhile may be left out. */
export async function storedManifests(storageDir: string, signal: AbortSignal): Promise<readonly StoredManifest[]> {
  const root = join(storageDir, 'docker/registry/v2');
  const found: StoredManifest[] = [];
  for await (const repository of repositoriesBelow(join(root, 'repositories'), '')) {
    signal.throwIfAborted();
    found.push(...(await manifestsOf(root, repository)));
  }
  return found;
}

async function* repositoriesBelow(directory: string, name: string): AsyncGenerator<string> {
  const names = await namesIn(directory);
  if (names.includes('_manifests')) yield name;
  for (const each of names) {
    if (!each.startsWith('_')) yield* repositoriesBelow(join(directory, each), name ? `${name}/${each}` : each);
  }
}

async function manifestsOf(root: string, repository: string): Promise<readonly StoredManifest[]> {
  const directory = join(root, 'repositories', repository, '_manifests');
  const tagged = await taggedAt(join(directory, 'tags'));
  const found: StoredManifest[] = [];
  for (const hex of await namesIn(join(directory, 'revisions/sha256'))) {
    const linked = await stat(join(directory, 'revisions/sha256', hex, 'link')).catch(() => null);
    if (!linked) continue;
    const digest = `sha256:${hex}`;
    const bytes = await readFile(join(root, 'blobs/sha256', hex.slice(0, 2), hex, 'data')).catch(() => null);
    const pushedAt = new Date(Math.max(linked.mtimeMs, tagged.get(digest) ?? 0));
    found.push({ repository, digest, pushedAt, ...contentOf(bytes, digest) });
  }
  return found;
}

/** When each digest was given one of its tags last. */
async function taggedAt(directory: string): Promise<ReadonlyMap<string, number>> {
  const times = new Map<string, number>();
  for (const tag of await namesIn(directory)) {
    const link = join(directory, tag, 'current/link');
    const [digest, linked] = await Promise.all([
      readFile(link, 'utf8').catch(() => null),
      stat(link).catch(() => null),
    ]);
    if (digest && linked) times.set(digest.trim(), Math.max(times.get(digest.trim()) ?? 0, linked.mtimeMs));
  }
  return times;
}

function contentOf(bytes: Buffer | null, digest: string): Pick<StoredManifest, 'lists' | 'blobs'> {
  const parsed = Stored.safeParse(bytes && parseJson(bytes.toString('utf8')));
  if (!bytes || !parsed.success) return { lists: [], blobs: [] };
  const { config, layers, manifests } = parsed.data;
  const needs = [...(config ? [config] : []), ...layers];
  return {
    lists: manifests.map((listed) => listed.digest),
    blobs: [
      { digest, sizeBytes: bytes.length },
      ...needs.map((blob) => ({ digest: blob.digest, sizeBytes: blob.size ?? 0 })),
    ],
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

async function namesIn(directory: string): Promise<readonly string[]> {
  return readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw error;
  });
}
