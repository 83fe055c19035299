import { PlatformError } from '@eve/domain';

/** A BuildKit daemon to build with. */
export interface DaemonTarget {
  /** `unix://…` or `tcp://…` */
  readonly address: string;
  /** The control group of its steps, when it is ours and on this machine. */
  readonly groups: string | null;
}

/** The daemon of an organisation, started when it has to be. */
export type Daemons = (organisation: string, signal?: AbortSignal) => Promise<DaemonTarget>;

/** Daemons that somebody else runs: one for all, or one each where `{organisation}` stands in the address. */
export function daemonsAt(address: string): Daemons {
  if (!/^(?:unix:\/\/\/|tcp:\/\/)[^\s,"]+$/.test(address))
    throw new PlatformError('request_invalid', 'A BuildKit address is unix:///path or tcp://host:port.');
  return async (organisation) => {
    if (!/^[a-z0-9][a-z0-9-]*$/.test(organisation))
      throw new PlatformError('request_invalid', `${JSON.stringify(organisation)} is no organisation's name.`);
    return { address: address.replaceAll('{organisation}', organisation), groups: null };
  };
}

/** Whose daemon is asked what daemons can do when nobody's build is at hand. */
export const anyOrganisation = 'default';
