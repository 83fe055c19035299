import { createHash, randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { MasterKey } from './vault.ts';

/** The installation's master key from its file, which is made once with mode 0600; two processes get the same. */
export async function openMasterKey(path: string): Promise<MasterKey> {
  const bytes = (await readKey(path)) ?? (await makeKey(path));
  return {
    id: createHash('sha256').update('eve master key').update(bytes).digest('hex').slice(0, 16),
    version: 1,
    bytes,
  };
}

async function readKey(path: string): Promise<Buffer | null> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return null;
  const bytes = Buffer.from(text.trim(), 'base64');
  if (bytes.length !== 32) throw new Error(`The master key file ${path} does not hold 32 bytes in base64.`);
  return bytes;
}

/** Linked into place whole, so that nobody reads half a key and nobody's key is overwritten. */
async function makeKey(path: string): Promise<Buffer> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    const file = await open(draft, 'wx', 0o600);
    await file.writeFile(`${randomBytes(32).toString('base64')}\n`);
    await file.sync();
    await file.close();
    await link(draft, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(draft, { force: true });
  }
  const bytes = await readKey(path);
  if (!bytes) throw new Error(`The master key file ${path} could not be read back.`);
  return bytes;
}
