import { readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

interface LayerCache {
  readonly directory: string;
  readonly bytes: number;
  readonly usedAtMs: number;
}

/**
 * Holds the layer caches below a directory (`organisation/project/service`) under a budget: those not written for longest
 * go first, each as a whole. A build that reads one just then misses its cache. Returns what is left, in bytes.
 */
export async function trimLayerCaches({
  directory,
  maxBytes,
}: {
  directory: string;
  maxBytes: number;
}): Promise<number> {
  const caches = await cachesBelow(directory, 3);
  caches.sort((a, b) => a.usedAtMs - b.usedAtMs);
  let left = caches.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const { directory: cache, bytes } of caches) {
    if (left <= maxBytes) break;
    // Away at once, so that no build writes into what is being removed.
    const removed = `${cache}.removed`;
    await rename(cache, removed).catch(() => {});
    await rm(removed, { recursive: true, force: true });
    left -= bytes;
  }
  return left;
}

async function cachesBelow(directory: string, depth: number): Promise<LayerCache[]> {
  if (depth === 0) return [await measured(directory)];
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const below = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(directory, name));
  return (await Promise.all(below.map((path) => cachesBelow(path, depth - 1)))).flat();
}

async function measured(directory: string): Promise<LayerCache> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  let bytes = 0;
  let usedAtMs = 0;
  for (const entry of entries.filter((found) => found.isFile())) {
    const found = await stat(join(entry.parentPath, entry.name)).catch(() => null);
    bytes += found?.size ?? 0;
    usedAtMs = Math.max(usedAtMs, found?.mtimeMs ?? 0);
  }
  return { directory, bytes, usedAtMs };
}
