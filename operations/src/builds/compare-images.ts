import { type BuildArtifact, BuildFailed, type BuildVerification, buildFailure } from '@eve/domain';
import type { Platform } from '../platform.ts';
import type { BuildAttempt } from './build-attempt.ts';
import type { BuiltImage } from './build-image.ts';
import { renderImage } from './image-place.ts';

type Needs = Pick<Platform, 'registry' | 'settings'>;

const hint =
  'What a build fetches or writes differs from run to run: pin versions and base images by digest, remove caches and lists in the same RUN (apt-get clean, rm -rf /var/lib/apt/lists/* /var/log/* /var/cache/ldconfig/aux-cache), and write no times, random names or host names into files.';

/** Compares images that were built again with the recorded ones, manifest by manifest, and notes the outcome on the run. Throws BuildFailed for the first that differs. */
export async function compareImages(
  platform: Needs,
  { context, record, writer }: BuildAttempt,
  originals: readonly BuildArtifact[],
  built: readonly BuiltImage[],
  signal: AbortSignal,
): Promise<string> {
  const compared = await Promise.all(
    built.map(async (image) => {
      const original = originals.find(({ serviceName }) => serviceName === image.service);
      const found = await platform.registry.inspect(image.reference, image.login, signal);
      const verification: BuildVerification = (original?.digests.platforms ?? []).map(({ platform, manifest }) => ({
        service: image.service,
        platform,
        expected: manifest,
        found: found?.digests.platforms.find((each) => each.platform === platform)?.manifest ?? null,
      }));
      return { image, original, verification };
    }),
  );
  await record.note({ verification: compared.flatMap(({ verification }) => verification) });

  const unknown = compared.find(({ verification }) => verification.length === 0);
  if (unknown) throw new Error(`Run ${context.run.verifies} has no image of ${unknown.image.service}.`);
  let first: BuildFailed | null = null;
  for (const { image, original, verification } of compared) {
    for (const { service, platform: name, expected, found } of verification) {
      if (found === expected) {
        writer.say(`${service} (${name}) is reproducible: ${found}`, { service, step: 'verify' });
        continue;
      }
      const layer = original ? await firstDifference(platform, original, image, name, signal) : null;
      const message = `not reproducible: service ${service} (${name}) was ${expected} and is now ${found ?? 'not built'}${layer ? `; ${layer}` : ''}`;
      writer.say(message, { service, step: 'verify' });
      first ??= new BuildFailed(buildFailure('build_error', message, { phase: 'record', service, hint }));
    }
  }
  if (first) throw first;
  const images = `${compared.length} ${compared.length === 1 ? 'image' : 'images'}`;
  return `Verified: ${images} of ${context.run.verifies} came out the same`;
}

async function firstDifference(
  { registry, settings }: Needs,
  { image, digests }: BuildArtifact,
  { reference, login }: BuiltImage,
  platform: string,
  signal: AbortSignal,
): Promise<string | null> {
  const [before, after] = await Promise.all(
    [renderImage(settings, image, digests.digest), reference].map(async (each) => {
      const images = await registry.layers(each, login, signal);
      return images?.find((found) => found.platform === platform)?.layers ?? null;
    }),
  );
  if (!before || !after) return 'the recorded image is no longer in the registry';
  const at = before.findIndex((layer, index) => layer !== after[index]);
  if (at >= 0) {
    const now = after[at] ?? 'missing';
    return `layer ${at + 1} of ${before.length} is the first that differs: ${before[at]} before, ${now} now`;
  }
  return after.length > before.length
    ? `it has ${after.length - before.length} more layers than before`
    : 'its layers are the same, its configuration differs';
}
