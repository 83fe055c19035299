import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { ownDaemons, stopOwnDaemons } from '@eve/adapter-builders';
import type { BuildkitParts, Config } from '@eve/server';
import { findBuildkit } from './buildkit-programs.ts';
import type { Log } from './run-program.ts';

/** An own BuildKit, one daemon for each organisation, where its programs were built and it is wanted; else null. */
export async function ownBuildkit(config: Config, registryHost: string, say: Log): Promise<BuildkitParts | null> {
  if (config.EVE_BUILDKIT === 'off' || config.EVE_BUILDKIT_ADDR !== undefined || process.getuid?.() !== 0) return null;
  const programs = await findBuildkit(config.cacheDir);
  const runc = await firstExecutable([
    '/usr/sbin/runc',
    '/usr/bin/runc',
    '/usr/local/sbin/runc',
    '/usr/local/bin/runc',
  ]);
  if (!programs || !runc) {
    say('Builds go to the Docker engine: BuildKit is not there (`npm run tools -- buildkit` builds it).');
    return null;
  }
  const insecureHosts = config.EVE_BUILDKIT_INSECURE_REGISTRIES.split(',')
    .map((host) => host.trim())
    .filter(Boolean);
  return {
    buildctl: programs.buildctl,
    daemons: ownDaemons({
      ...{ programs, runc, insecureHosts, mirror: registryHost },
      directory: buildkitDirectoryOf(config.dataDir),
      cacheBytes: config.EVE_BUILD_CACHE_BYTES,
      networkPool: config.EVE_BUILD_NETWORK_POOL,
      variables: { ...(config.SSL_CERT_FILE && { SSL_CERT_FILE: config.SSL_CERT_FILE }) },
    }),
  };
}

/** Stops every BuildKit daemon of an installation. */
export function stopBuildkit(dataDir: string, options: { removeData?: boolean } = {}): Promise<void> {
  return stopOwnDaemons(buildkitDirectoryOf(dataDir), options);
}

function buildkitDirectoryOf(dataDir: string): string {
  return join(dataDir, 'buildkit');
}

async function firstExecutable(files: readonly string[]): Promise<string | null> {
  for (const file of files) {
    const usable = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (usable) return file;
  }
  return null;
}
