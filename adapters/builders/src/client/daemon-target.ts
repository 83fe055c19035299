import { createHash } from 'node:crypto';
import { PlatformError } from '@eve/domain';

/** A BuildKit daemon to build with. */
export interface DaemonTarget {
  /** `unix://…` or `tcp://…` */
  readonly address: string;
  /** The control group of its steps, when it is ours and on this machine. */
  readonly groups: string | null;
}

/** The daemon of an organisation, started when it has to be; of several for it, the one that has a project's layers. */
export type Daemons = (organisation: string, signal?: AbortSignal, project?: string) => Promise<DaemonTarget>;

/**
 * Daemons that somebody else runs: one, or several with commas between; for all, or one each where `{organisation}` stands in the
 * address.
 */
export function daemonsAt(addresses: string): Daemons {
  const pool = addresses.split(',').map((address) => address.trim());
  if (!pool.every((address) => /^(?:unix:\/\/\/|tcp:\/\/)[^\s,"]+$/.test(address)))
    throw new PlatformError('request_invalid', 'A BuildKit address is unix:///path or tcp://host:port.');
  const own = pool.filter((address) => address.includes('{organisation}'));
  if (own.length > 0 && own.length < pool.length)
    throw new PlatformError(
      'request_invalid',
      'Of several BuildKit addresses all have {organisation} in them, or none.',
    );
  return async (organisation, _signal, project = '') => {
    if (!/^[a-z0-9][a-z0-9-]*$/.test(organisation))
      throw new PlatformError('request_invalid', `${JSON.stringify(organisation)} is no organisation's name.`);
    const address = chooseDaemon(pool, `${organisation}/${project}`);
    return { address: address.replaceAll('{organisation}', organisation), groups: null };
  };
}

/**
 * Always the same daemon for a project, so that it finds its layers again: the one whose name gives, together with the project's, the
 * highest number. A daemon more takes over only its own share of projects.
 */
export function chooseDaemon(pool: readonly string[], project: string): string {
  const weighed = pool.map((address) => ({
    address,
    weight: createHash('sha256').update(`${address}\n${project}`).digest('hex'),
  }));
  return weighed.reduce((best, next) => (next.weight > best.weight ? next : best)).address;
}

/** Whose daemon is asked what daemons can do when nobody's build is at hand. */
export const anyOrganisation = 'default';
