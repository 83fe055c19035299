import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { UsageError } from '../../failure.ts';

/** A repository's address as the server takes it: a path on this machine becomes an absolute one. */
export function repositoryAddress(given: string, directory: string): string {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(given) || /^[^/\s]+@[^/\s]+:/.test(given)) return given;
  const path = resolve(directory, given);
  if (existsSync(path)) return path;
  throw new UsageError(`There is no directory ${path}.`, [
    'A repository is named by its address (https://…, ssh://…, git@host:path) or by a path on this machine.',
  ]);
}

/** The directory of an address that is a path. */
export function localDirectory(address: string): string | null {
  return address.startsWith('/') ? address : null;
}

/** The last part of an address, such as shop of https://github.com/acme/shop.git. */
export function nameOfAddress(address: string): string {
  return basename(
    address
      .replace(/\/+$/, '')
      .replace(/\.git$/, '')
      .replace(/^.*:/, ''),
  );
}
