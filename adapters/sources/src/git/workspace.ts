import { lstat, open, readdir, realpath, rm, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { Workspace } from '@eve/operations';

/** A workspace over a checked-out tree; disposing removes `remove`, the directory that holds it. */
export async function openWorkspace(tree: {
  directory: string;
  remove: string;
  commitTime: Date;
  commitMessage: string;
}): Promise<Workspace> {
  const root = await realpath(tree.directory);
  /** Null when it is not there or lies outside. */
  const inside = async (path: string): Promise<string | null> => {
    if (path.includes('\0')) return null;
    const found = await realpath(join(root, path)).catch(() => null);
    return found !== null && (found === root || found.startsWith(root + sep)) ? found : null;
  };
  return {
    directory: root,
    commitTime: tree.commitTime,
    commitMessage: tree.commitMessage,
    async readFile(path, maxBytes) {
      const found = await inside(path);
      if (found === null || !(await stat(found)).isFile()) return null;
      await using file = await open(found);
      const { size } = await file.stat();
      if (size > maxBytes) throw new RangeError(`${path} is longer than ${maxBytes} bytes`);
      return new Uint8Array(await file.readFile());
    },
    async kindOf(path) {
      const found = await inside(path);
      if (found === null) return null;
      const kind = await stat(found);
      return kind.isFile() ? 'file' : kind.isDirectory() ? 'directory' : null;
    },
    [Symbol.asyncDispose]: () => rm(tree.remove, { recursive: true, force: true, maxRetries: 3 }),
  };
}

/** How many files a tree has and how many bytes are in them. */
export async function measureTree(directory: string): Promise<{ files: number; bytes: number }> {
  const sum = { files: 0, bytes: 0 };
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    if (entry.isDirectory()) continue;
    sum.files += 1;
    sum.bytes += (await lstat(join(entry.parentPath, entry.name))).size;
  }
  return sum;
}

/** A size as people write it. */
export function showBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB'];
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1);
  return power === 0 ? `${bytes} bytes` : `${(bytes / 1000 ** power).toFixed(1)} ${units[power]}`;
}
