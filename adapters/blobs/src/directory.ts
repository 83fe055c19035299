import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, opendir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PlatformError } from '@eve/domain';
import type { Blobs } from '@eve/operations';
import { checkKey, tooLarge } from './keys.ts';

const pieceBytes = 256 * 1024;

/** Blobs as files of a directory, which only this user may read; keys are relative paths. */
export function directoryBlobs(directory: string): Blobs {
  return {
    async put(key, bytes, { maxBytes }) {
      const path = pathOf(directory, key);
      const drafts = join(directory, '.drafts');
      await answeringFull(async () => {
        await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        await mkdir(drafts, { recursive: true, mode: 0o700 });
      });
      const draft = join(drafts, `${process.pid}-${randomBytes(8).toString('hex')}`);
      try {
        const written = await answeringFull(() => writeDraft(draft, bytes, maxBytes));
        await answeringFull(() => rename(draft, path));
        await syncDirectory(dirname(path));
        return written;
      } finally {
        await rm(draft, { force: true });
      }
    },

    async get(key, range) {
      const file = await open(pathOf(directory, key), 'r').catch(nullWhenMissing);
      return file && readBytes(file, range);
    },

    list: (prefix) => filesBelow(pathOf(directory, prefix), prefix),

    async has(key) {
      const found = await stat(pathOf(directory, key)).catch(nullWhenMissing);
      return found?.isFile() ?? false;
    },

    async delete(key) {
      await rm(pathOf(directory, key), { force: true });
    },

    async deleteBelow(prefix) {
      await rm(pathOf(directory, prefix), { recursive: true, force: true });
    },
  };
}

function pathOf(directory: string, key: string): string {
  checkKey(key);
  return join(directory, ...key.split('/'));
}

/** What is removed while it is listed may be left out. */
async function* filesBelow(path: string, key: string): ReturnType<Blobs['list']> {
  const entries = await opendir(path).catch(nullWhenMissing);
  if (!entries) return;
  for await (const entry of entries) {
    const [pathBelow, keyBelow] = [join(path, entry.name), `${key}/${entry.name}`];
    if (entry.isDirectory()) {
      yield* filesBelow(pathBelow, keyBelow);
    } else if (entry.isFile()) {
      const found = await stat(pathBelow).catch(nullWhenMissing);
      if (found) yield { key: keyBelow, sizeBytes: found.size, modifiedAt: found.mtime };
    }
  }
}

async function writeDraft(draft: string, bytes: AsyncIterable<Uint8Array>, maxBytes: number) {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const file = await open(draft, 'wx', 0o600);
  try {
    for await (const part of bytes) {
      sizeBytes += part.byteLength;
      if (sizeBytes > maxBytes) throw tooLarge(maxBytes);
      hash.update(part);
      await writeWhole(file, part);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}

async function writeWhole(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    done += (await file.write(bytes, done)).bytesWritten;
  }
}

/** The file is open before anybody reads: deleting it meanwhile takes nothing away. */
async function* readBytes(
  file: FileHandle,
  { start, end }: { start: number; end: number } = { start: 0, end: Number.POSITIVE_INFINITY },
): AsyncGenerator<Uint8Array> {
  try {
    for (let at = start; at < end; ) {
      const wanted = Math.min(pieceBytes, end - at);
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(wanted), 0, wanted, at);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
      at += bytesRead;
    }
  } finally {
    await file.close();
  }
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  await handle.sync().finally(() => handle.close());
}

async function answeringFull<Result>(act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error;
    throw new PlatformError('disk_full', 'The disk that holds the stored files is full.', { cause: error });
  }
}

function nullWhenMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
  throw error;
}
