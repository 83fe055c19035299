import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type MasterKey, masterKey } from './envelope.ts';
import { isNamed, type KeyRing, type KeyRingPlace } from './key-ring.ts';

/**
 * The file with an installation's master keys, for its user only. One key stands in it as a line of base64; since the first
 * rotation it is JSON, the current key first.
 */
export function keyRingFile(path: string): KeyRingPlace {
  const read = async (): Promise<KeyRing> => {
    const text = await textOf(path);
    if (text === null) throw new Error(`The master key file ${path} is gone. ${restore}`);
    return ringOf(text, path);
  };
  return {
    read,

    async add() {
      const { current, former } = await read();
      const ring = { current: masterKey(randomBytes(32), current.version + 1), former: [current, ...former] };
      await replace(path, textOfRing(ring));
      return ring;
    },

    async remove(name) {
      const { current, former } = await read();
      const left = former.filter((key) => !isNamed(key, name));
      if (left.length < former.length) await replace(path, textOfRing({ current, former: left }));
    },
  };
}

const restore = 'Restore it from a backup: without it no secret can be opened.';

function ringOf(text: string, path: string): KeyRing {
  const keys = text.trimStart().startsWith('{') ? keysOfJson(text) : [keyOfBase64(text.trim(), 1)];
  const [current, ...former] = keys;
  if (current && keys.every((key) => key !== null)) return { current, former: former as MasterKey[] }; // every was asked
  throw new Error(`The master key file ${path} does not hold 32 bytes in base64, or a ring of such keys. ${restore}`);
}

function keysOfJson(text: string): (MasterKey | null)[] {
  try {
    const { keys } = JSON.parse(text) as { keys?: unknown };
    return Array.isArray(keys) ? keys.map(keyOfJson) : [null];
  } catch {
    // What the parser says may hold parts of a key.
    return [null];
  }
}

function keyOfJson(value: { id?: unknown; version?: unknown; key?: unknown } | null): MasterKey | null {
  const { id, version, key } = value ?? {};
  if (typeof key !== 'string' || typeof version !== 'number' || !Number.isSafeInteger(version)) return null;
  const found = keyOfBase64(key, version);
  return found?.id === id ? found : null;
}

function keyOfBase64(text: string, version: number): MasterKey | null {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === 32 ? masterKey(bytes, version) : null;
}

function textOfRing({ current, former }: KeyRing): string {
  const keys = [current, ...former].map(({ id, version, bytes }) => ({
    id,
    version,
    key: Buffer.from(bytes).toString('base64'),
  }));
  return `${JSON.stringify({ keys }, null, 2)}\n`;
}

async function textOf(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
}

/** Makes a key file where there is none; linked into place whole, so that nobody reads half a key and nobody's key is overwritten. */
export async function makeKeyRingFile(path: string): Promise<void> {
  if ((await textOf(path)) !== null) return;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await put(path, `${randomBytes(32).toString('base64')}\n`, (draft) =>
    link(draft, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    }),
  );
}

function replace(path: string, text: string): Promise<void> {
  return put(path, text, (draft) => rename(draft, path));
}

/** On disk before it is used: a value sealed with a key that a crash takes away is lost. */
async function put(path: string, text: string, place: (draft: string) => Promise<void>): Promise<void> {
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await place(draft);
    const directory = await open(dirname(path));
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  } finally {
    await rm(draft, { force: true });
  }
}
