import type { BuilderCapabilities } from '@eve/operations';
import { isAtLeast } from '../client/check-plan.ts';

/** Reads what `docker-buildx version` and `docker-buildx inspect` print. */
export function parseCapabilities(version: string, inspected: string): BuilderCapabilities & { driver: string } {
  const line = (name: string) => new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(inspected)?.[1]?.trim() || null;
  const driver = line('Driver') ?? 'unknown';
  const buildkit =
    line('BuildKit(?: version)?')
      ?.replace(/^v/, '')
      .replace(/\+unknown$/, '') ?? null;
  const own = driver !== 'docker';
  return {
    driver,
    version: /\s(v?\d[\w.+-]*)/.exec(version)?.[1]?.replace(/^v/, '') ?? 'unknown',
    buildkit,
    platforms: (line('Platforms') ?? '')
      .split(',')
      .map((platform) => platform.trim().replace(/\*$/, ''))
      .filter(Boolean),
    multiPlatform: own,
    attestations: own && isAtLeast(buildkit, 0, 11),
    rewriteTimestamps: own && isAtLeast(buildkit, 0, 13),
    cacheExport: own,
    limits: false,
  };
}
