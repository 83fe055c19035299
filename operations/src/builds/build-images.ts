import { BuildFailed, isRetried } from '@eve/domain';
import type { Platform } from '../platform.ts';
import type { BuildAttempt } from './build-attempt.ts';
import { buildFailureOf } from './build-failure-of.ts';
import { type BuiltImage, buildImage, recordArtifact } from './build-image.ts';
import { buildShare } from './build-share.ts';
import { compareImages } from './compare-images.ts';
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
  const results = await Promise.allSettled(
    images.map(async (image) => {
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
