import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { RegistryAction } from '@eve/domain';
import type { RegistryLogins } from '@eve/operations';

export interface RegistryLoginOptions {
  /** 32 bytes that sign every password; a new key ends all of them. */
  readonly key: Uint8Array;
  /** The registry's host as builders and engines know it. */
  readonly host: string;
  /** Whether what a password was given to has ended. */
  readonly isRevoked?: (subject: string) => boolean | Promise<boolean>;
}

interface Claims {
  readonly prefix: string;
  readonly actions: readonly RegistryAction[];
  readonly expiresAt: number;
}

/** Passwords that say themselves, signed, what they open and until when; nothing is stored. */
export function registryLogins({ key, host, isRevoked = () => false }: RegistryLoginOptions): RegistryLogins {
  if (key.length !== 32) throw new Error('The key of registry logins has 32 bytes.');

  const mac = (username: string, payload: string) =>
    createHmac('sha256', key).update(`eve registry login 1\n${username}\n${payload}`).digest();

  return {
    async issue({ subject, prefix, actions, expiresAt }) {
      if (!/^[A-Za-z0-9._-]+$/.test(subject)) throw new Error('This subject cannot be a user name.');
      const claims: Claims = { prefix, actions, expiresAt: expiresAt.getTime() };
      const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');
      return { host, username: subject, password: `${payload}.${mac(subject, payload).toString('base64url')}` };
    },

    async check(username, password, at) {
      const [payload = '', signature = '', ...more] = password.split('.');
      const given = Buffer.from(signature, 'base64url');
      const right = mac(username, payload);
      if (more.length > 0 || given.length !== right.length || !timingSafeEqual(given, right)) return null;
      // Our own writing: the signature says so.
      const { prefix, actions, expiresAt } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims;
      if (at.getTime() >= expiresAt || (await isRevoked(username))) return null;
      return { subject: username, prefix, actions };
    },
  };
}

/** The key of registry logins from its file, which is made once with mode 0600. */
export async function openLoginKey(path: string): Promise<Uint8Array> {
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    await writeFile(draft, randomBytes(32), { mode: 0o600, flag: 'wx', flush: true });
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft, { force: true });
  }
  return readLoginKey(path);
}

/** The key of registry logins from a file that somebody else made. */
export async function readLoginKey(path: string): Promise<Uint8Array> {
  const key = await readFile(path);
  if (key.length !== 32) throw new Error(`The key file ${path} does not hold 32 bytes.`);
  return key;
}
