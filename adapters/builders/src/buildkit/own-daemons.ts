import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PlatformError } from '@eve/domain';
import type { Daemons } from '../client/daemon-target.ts';
import { type DaemonOptions, startBuildkitd, stopBuildkitd } from './daemon.ts';

/** Daemons of this installation, one for each organisation with a directory of its own, started when first needed. */
export function ownDaemons(options: DaemonOptions): Daemons {
  const starting = new Map<string, ReturnType<typeof startBuildkitd>>();
  return async (organisation, signal) => {
    if (!/^[a-z0-9][a-z0-9-]*$/.test(organisation))
      throw new PlatformError('request_invalid', `${JSON.stringify(organisation)} is no organisation's name.`);
    // Asked each time, for a daemon may have ended; two that ask at once start one.
    const running = starting.get(organisation);
    if (running) return running;
    const started = startBuildkitd({ ...options, directory: join(options.directory, organisation) }, signal);
    starting.set(organisation, started);
    try {
      return await started;
    } finally {
      starting.delete(organisation);
    }
  };
}

/** Stops every daemon below a directory of `ownDaemons`. */
export async function stopOwnDaemons(directory: string, options: { removeData?: boolean } = {}): Promise<void> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const daemons = entries.filter((entry) => entry.isDirectory());
  await Promise.all(daemons.map(({ name }) => stopBuildkitd(join(directory, name), options)));
}
