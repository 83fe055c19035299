import { PlatformError } from '@eve/domain';
import type { BuilderCapabilities, ImageBuildPlan } from '@eve/operations';

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
  };
}

/** Throws `engine_capability_missing` when the plan asks for what this engine cannot do. */
export function checkCapabilities(
  { multiPlatform, platforms }: BuilderCapabilities,
  plan: Pick<ImageBuildPlan, 'platforms' | 'service'>,
): void {
  if (plan.platforms.length > 1 && !multiPlatform)
    throw new PlatformError(
      'engine_capability_missing',
      `Service ${plan.service} asks for ${plan.platforms.length} platforms (${plan.platforms.join(', ')}); this engine builds one at a time. Name one platform, or use a BuildKit builder.`,
    );
  const missing = plan.platforms.filter((platform) => platforms.length > 0 && !platforms.includes(platform));
  if (missing.length > 0)
    throw new PlatformError(
      'engine_capability_missing',
      `Service ${plan.service} asks for ${missing.join(', ')}; this engine builds ${platforms.join(', ')}.`,
    );
}

function isAtLeast(version: string | null, major: number, minor: number): boolean {
  const [, foundMajor, foundMinor] = /^(\d+)\.(\d+)/.exec(version ?? '') ?? [];
  const found = Number(foundMajor ?? -1);
  return found > major || (found === major && Number(foundMinor) >= minor);
}
