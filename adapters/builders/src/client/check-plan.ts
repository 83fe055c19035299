import { PlatformError } from '@eve/domain';
import type { BuilderCapabilities, ImageBuildPlan } from '@eve/operations';

type Asked = Pick<ImageBuildPlan, 'platforms' | 'service' | 'output' | 'cacheFrom' | 'cacheTo'>;

/** Throws `engine_capability_missing` when the plan asks for what this engine cannot do. */
export function checkPlan({ multiPlatform, platforms, cacheExport }: BuilderCapabilities, plan: Asked): void {
  const { service } = plan;
  if (plan.platforms.length > 1 && !multiPlatform)
    throw missing(
      `Service ${service} asks for ${plan.platforms.length} platforms (${plan.platforms.join(', ')}); this engine builds one at a time. Name one platform, or use a BuildKit builder.`,
    );
  const unknown = plan.platforms.filter((platform) => platforms.length > 0 && !platforms.includes(platform));
  // Only a RUN step needs a machine that can run the platform's programs.
  const unbuildable = multiPlatform
    ? unknown.filter((platform) => !/^linux\/[a-z0-9]+(?:\/v\d)?$/.test(platform))
    : unknown;
  if (unbuildable.length > 0)
    throw missing(`Service ${service} asks for ${unbuildable.join(', ')}; this engine builds ${platforms.join(', ')}.`);
  if (cacheExport) return;
  if (plan.cacheTo.length > 0 || plan.cacheFrom.some(({ type }) => type === 'local'))
    throw missing(`Service ${service} asks for a cache of its own; this engine keeps layers only for itself.`);
  if (plan.output === 'push-by-digest')
    throw missing(`Service ${service} is to be pushed by digest alone, which this engine cannot.`);
}

function missing(sentence: string): PlatformError {
  return new PlatformError('engine_capability_missing', sentence);
}

/** Whether a version such as `0.33.1` is at least the one that is given. */
export function isAtLeast(version: string | null, major: number, minor: number): boolean {
  const [, foundMajor, foundMinor] = /^(\d+)\.(\d+)/.exec(version ?? '') ?? [];
  const found = Number(foundMajor ?? -1);
  return found > major || (found === major && Number(foundMinor) >= minor);
}
