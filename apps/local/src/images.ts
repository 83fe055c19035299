import type { Config } from '@eve/server';
import { baseImages } from './base-image-contexts.ts';
import { ensureBaseImages, pushBaseImages } from './base-images.ts';
import type { Log } from './run-program.ts';
import type { LocalEve } from './start-local.ts';

/** Sees to it that the example's base images can be had; what had to be made here is served by the registry's mirror too. */
export async function provideBaseImages(
  { engine, platform }: LocalEve,
  config: Config,
  say: Log,
  signal: AbortSignal,
): Promise<void> {
  // A cluster fetches its images itself.
  if (!engine) return;
  const extraCaFiles = [config.NODE_EXTRA_CA_CERTS, config.SSL_CERT_FILE].filter((file) => file !== undefined);
  const made = await ensureBaseImages({
    engine: engine.host,
    images: baseImages,
    cacheDir: config.cacheDir,
    extraCaFiles,
    log: say,
    signal,
  });
  const mirrored = await isMirrored(platform);
  if (made.length === 0 && mirrored) return;
  const { registryHost } = platform.settings;
  if (registryHost === null || (made.length === 0 && !(await engineHasOnlyHere(platform)))) return;
  const login = await platform.registryLogins.issue({
    tenantId: 'org_',
    subject: 'base-images',
    prefix: 'library/',
    actions: ['pull', 'push'],
    expiresAt: new Date(Date.now() + 15 * 60_000),
  });
  say('Base images made here are served to builds by the registry’s mirror:');
  await pushBaseImages(engine.host, registryHost, login, { log: (line) => say(`  ${line}`), signal });
}

/** Whether the mirror has the image that a release of the example resolves. */
async function isMirrored({ registry, settings }: LocalEve['platform']): Promise<boolean> {
  return (await registry.inspect(`${settings.registryHost}/library/postgres:15`, null)) !== null;
}

/** Whether Docker Hub does not give the image: then only this engine has it. */
async function engineHasOnlyHere({ registry }: LocalEve['platform']): Promise<boolean> {
  return registry.inspect('docker.io/library/postgres:15', null, AbortSignal.timeout(5_000)).then(
    (found) => found === null,
    () => true,
  );
}
