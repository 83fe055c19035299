import { type BuildArtifact, BuildFailed, isRetried } from '@eve/domain';
import type { Platform } from '../platform.ts';
import { loginFor } from '../registry/registry-login.ts';
import { patiently } from '../work/patiently.ts';
import type { BuildAttempt } from './build-attempt.ts';
import { buildFailureOf } from './build-failure-of.ts';
import { type BuiltImage, buildImage, recordArtifact } from './build-image.ts';
import { buildShare } from './build-share.ts';
import { compareImages } from './compare-images.ts';
import { renderImage } from './image-place.ts';
import type { PlannedImage } from './plan-images.ts';

/** Builds all images, side by side as far as the run's share of memory and CPU goes, and records, or compares, them. What others have made is kept when one fails. Answers what to say of its success. */
export async function buildImages(
  platform: Platform,
  attempt: BuildAttempt,
  images: readonly PlannedImage[],
  signal: AbortSignal,
): Promise<string> {
  const { context, writer } = attempt;
  const share = buildShare(context);
  const recorded = await patiently(
    () => platform.store.buildArtifacts.listOfRun(context.run.tenantId, context.run.id),
    attempt.held,
  );
  const results = await Promise.allSettled(
    images.map(async (image) => {
      const kept = await keptImage(platform, attempt, image, recorded, signal);
      if (kept) return kept;
      using _mine = await share.take(image.plan.limits, signal);
      const built = await buildImage(platform, attempt, image, signal);
      if (!context.originals) await recordArtifact(platform, attempt, image, built, signal).catch(inPush(built));
      return built;
    }),
  );
  const built = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failed = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  if (failed.length > 0) {
    if (built.length > 0 && !signal.aborted && !context.originals) {
      const kept = built.map(({ service }) => service).join(', ');
      writer.say(`Built and kept in spite of the failure: ${kept}`, { step: 'done' });
    }
    throw amongOthers(decisive(failed), built, images.length);
  }
  if (context.originals) return compareImages(platform, attempt, context.originals, built, signal);
  return `Build run completed: ${built.length} ${built.length === 1 ? 'image' : 'images'}`;
}

/** What an attempt before has recorded of a service and the registry still holds: built again it might have another digest, and a run has one. */
async function keptImage(
  { registry, settings }: Pick<Platform, 'registry' | 'settings'>,
  { writer }: BuildAttempt,
  { plan: { service, logins }, place }: PlannedImage,
  recorded: readonly BuildArtifact[],
  signal: AbortSignal,
): Promise<BuiltImage | null> {
  const artifact = recorded.find(({ serviceName }) => serviceName === service);
  if (!artifact) return null;
  const { digest } = artifact.digests;
  const built = { service, digest, reference: renderImage(settings, place, digest) };
  const login = loginFor(logins, place, settings);
  if (!(await registry.exists(built.reference, login, signal))) return null;
  writer.say(`Built by an attempt before this one: ${digest}`, { service, step: 'done' });
  return { ...built, login };
}

/** What goes wrong while reading back is a failure of the push. */
function inPush({ service }: BuiltImage): (error: unknown) => never {
  return (error) => {
    const failure = buildFailureOf(error, 'push');
    throw failure ? new BuildFailed({ ...failure, service }) : error;
  };
}

/** Of several failures the one that another attempt would not get past. */
function decisive(failed: readonly unknown[]): unknown {
  return failed.find((error) => error instanceof BuildFailed && !isRetried(error.failure)) ?? failed[0];
}

/** With several services a failure names its own, and tells how many of the others were built (Eve seed). */
function amongOthers(error: unknown, built: readonly BuiltImage[], count: number): unknown {
  if (!(error instanceof BuildFailed) || count === 1) return error;
  const { failure } = error;
  const others = `(${built.length} of ${count - 1} ${count === 2 ? 'other was' : 'others were'} built)`;
  return new BuildFailed({
    ...failure,
    message: `Build failed for service '${failure.service}': ${failure.message} ${others}`,
  });
}
