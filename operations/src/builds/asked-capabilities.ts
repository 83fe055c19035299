import { type BuilderName, type BuildSpec, PlatformError, type Service } from '@eve/domain';
import type { BuilderCapabilities } from '../ports/builder.ts';

type Asking = Pick<BuildSpec, 'inputs' | 'cache'>;

/** The platforms that a service is built for; none: the engine's own. */
export function platformsOf({ inputs }: Pick<BuildSpec, 'inputs'>, { build }: Service): readonly string[] {
  return inputs?.platforms ?? build?.platforms ?? [];
}

/** Whether a build asks for something that not every engine can do. */
export function asksForCapabilities(spec: Asking, services: readonly Service[]): boolean {
  return Boolean(
    spec.cache?.to?.length ||
      services.some(
        (service) =>
          platformsOf(spec, service).length > 0 ||
          service.build?.resources.memoryBytes ||
          service.build?.resources.cpus,
      ),
  );
}

/** Throws `engine_capability_missing` when a build asks for what the engine cannot do. What defaults would have liked is only noted. */
export function checkAskedCapabilities(
  spec: Asking,
  services: readonly Service[],
  backend: BuilderName,
  capabilities: BuilderCapabilities,
): void {
  const engine = `the engine ${backend} (BuildKit ${capabilities.buildkit ?? 'unknown'})`;
  const missing = (message: string) => new PlatformError('engine_capability_missing', message);
  if (spec.cache?.to?.length && !capabilities.cacheExport)
    throw missing(
      `cache.to asks to keep layers outside the engine, which ${engine} cannot do. Leave it out, or use a BuildKit builder.`,
    );
  for (const service of services) {
    const platforms = platformsOf(spec, service);
    const known = capabilities.platforms;
    const unknown =
      known.length === 0
        ? []
        : platforms.filter((platform) => !known.includes(platform) && !isForeign(platform, capabilities));
    if (unknown.length > 0)
      throw missing(
        `Service ${service.name} asks for ${unknown.join(', ')}; ${engine} builds for ${known.join(', ')}.`,
      );
    if (platforms.length > 1 && !capabilities.multiPlatform)
      throw missing(
        `Service ${service.name} asks for ${platforms.length} platforms (${platforms.join(', ')}); ${engine} builds for one at a time. Name one, or use a BuildKit builder.`,
      );
    const { memoryBytes, cpus } = service.build?.resources ?? {};
    if ((memoryBytes || cpus) && !capabilities.limits)
      throw missing(
        `Service ${service.name} sets build.resources; ${engine} cannot hold a build to limits. Leave them out, or use an engine that can.`,
      );
  }
}

/** Only a RUN step needs a machine that can run the platform's programs. */
function isForeign(platform: string, { multiPlatform }: BuilderCapabilities): boolean {
  return multiPlatform && /^linux\/[a-z0-9]+(?:\/v\d)?$/.test(platform);
}

/** What the engine lacks of all that builds would have liked, as it is shown with the run. */
export function capabilityNotes({ buildkit, version: _, platforms: __, ...can }: BuilderCapabilities): string[] {
  const missing = Object.entries(can).flatMap(([name, has]) => (has ? [] : [name]));
  return missing.length === 0 ? [] : [`engine without ${missing.join(', ')} (BuildKit ${buildkit ?? 'unknown'})`];
}
