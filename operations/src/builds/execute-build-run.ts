import {
  advanceBuildRun,
  type BuildArtifact,
  type BuildFailure,
  type BuildPhase,
  type BuildRun,
  formatBuildFailure,
  isBuildRunFinished,
} from '@eve/domain';
import { type LogWriter, logWriter } from '../logs/log-writer.ts';
import { reasonOf } from '../logs/reason.ts';
import { redactor } from '../logs/redact.ts';
import { advanceStepOf } from '../pipelines/advance-step-of.ts';
import type { Platform } from '../platform.ts';
import type { ClaimedWork } from '../ports/work-queue.ts';
import { type BuildContext, loadBuildContext } from './build-context.ts';
import { buildFailureOf, timeoutFailure } from './build-failure-of.ts';
import { buildImage } from './build-image.ts';
import { checkOutSource } from './check-out-source.ts';
import { planImages } from './plan-images.ts';
import { stopLeftovers } from './stop-leftovers.ts';

/**
 * Carries a build run out under a lease: checks the source out, builds each image, records the outcome.
 * May be delivered twice: what a lost worker left is stopped and the run goes on as its next attempt.
 */
export async function executeBuildRun(
  platform: Platform,
  work: ClaimedWork,
  signal: AbortSignal,
  cancelled: AbortSignal,
): Promise<void> {
  const found = await platform.store.buildRuns.get(work.tenantId, work.id as BuildRun['id']);
  if (isBuildRunFinished(found)) return platform.store.queue.settle(work.lease);
  await stopLeftovers(platform, found);
  const run = await begin(platform, found, work);

  const context = await loadBuildContext(platform, run);
  const redact = redactor(context.secretValues);
  await using writer = logWriter(platform, run, { lease: work.lease, attempt: run.attempt, redact });
  const timeout = AbortSignal.timeout(context.timeoutMs);
  const either = AbortSignal.any([signal, cancelled, timeout]);
  try {
    if (run.cancelRequestedAt) throw new BuildCancelled();
    const artifacts = await buildAll(platform, context, writer, work, either);
    platform.failpoint('before-complete');
    writer.say(`Build run completed: ${artifacts.length} ${artifacts.length === 1 ? 'image' : 'images'}`, {
      step: 'done',
    });
    await writer.flush();
    await finish(platform, work, context.run, null);
  } catch (error) {
    if (signal.aborted) throw error;
    const asked = cancelled.aborted || error instanceof BuildCancelled;
    const failure = timeout.aborted ? timeoutFailure(context) : buildFailureOf(error);
    if (!asked && !failure) {
      writer.say(redact(`Interrupted: ${reasonOf(error)} It is tried again.`), { step: 'error' });
      throw error;
    }
    // An end is written only when the engine has said that nothing of it runs any more.
    await stopLeftovers(platform, context.run);
    if (asked || !failure) return end(platform, work, context.run, writer, 'cancel');
    await end(platform, work, context.run, writer, {
      ...failure,
      message: redact(failure.message),
      tail: failure.tail.map(redact),
    });
  }
}

class BuildCancelled extends Error {
  override readonly name = 'BuildCancelled';
}

/** Takes the run over from whoever had it: a new attempt of the same run. */
async function begin(
  { store, now }: Pick<Platform, 'store' | 'now'>,
  found: BuildRun,
  { lease }: ClaimedWork,
): Promise<BuildRun> {
  return store.transaction(async ({ buildRuns }) => {
    let run = found;
    if (run.status === 'building') {
      run = advanceBuildRun(run, { type: 'requeue' }, now());
      await buildRuns.update(run, { was: 'building', event: 'requeue', actor: 'system', lease });
    }
    run = advanceBuildRun(run, { type: 'start' }, now());
    await buildRuns.update(run, { was: 'pending', event: 'start', actor: 'system', lease });
    return run;
  });
}

async function buildAll(
  platform: Platform,
  context: BuildContext,
  writer: LogWriter,
  work: ClaimedWork,
  signal: AbortSignal,
): Promise<readonly BuildArtifact[]> {
  const { spec, manifest, builder } = context;
  const phase = (name: BuildPhase, more: Partial<BuildRun> = {}) => {
    context.run = { ...context.run, ...more, phase: name };
    return platform.store.buildRuns.note(context.run, work.lease);
  };

  await phase('downloading', { notes: await context.capabilityNotes(signal) });
  await using workspace = await checkOutSource(platform, context, writer, signal);
  platform.failpoint('after-checkout');
  const images = await planImages({ ...context, spec, manifest, workspace, settings: platform.settings });
  writer.say(
    `Building ${images.length} ${images.length === 1 ? 'service' : 'services'}: ${images.map(({ plan }) => plan.service).join(', ')}`,
    {
      step: 'plan',
    },
  );
  await phase('building', { runnerRef: images.map(({ plan }) => plan.name).join(',') });

  const results = await Promise.allSettled(
    images.map(async (image) => {
      const artifact = await buildImage(
        platform,
        builder,
        { run: context.run, image, writer, lease: work.lease },
        signal,
      );
      await platform.store.buildArtifacts.insert(artifact, work.lease);
      return artifact;
    }),
  );
  const artifacts = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) {
    const kept = artifacts.map(({ serviceName }) => serviceName).join(', ');
    if (kept && !signal.aborted) writer.say(`Built and kept in spite of the failure: ${kept}`, { step: 'done' });
    throw failed.reason;
  }
  return artifacts;
}

async function end(
  platform: Platform,
  work: ClaimedWork,
  run: BuildRun,
  writer: LogWriter,
  outcome: 'cancel' | BuildFailure,
): Promise<void> {
  if (outcome === 'cancel') {
    const { cancelRequestedBy } = await platform.store.buildRuns.get(run.tenantId, run.id);
    writer.say(`Cancelled by ${cancelRequestedBy ?? 'system'}: nothing of this build runs any more`, {
      step: 'cancel',
    });
  } else {
    const { code, service } = outcome;
    writer.say(`Error: ${formatBuildFailure(outcome)}`, { service, step: 'error', code });
    writer.say(`Hint: ${outcome.hint}`, { service, step: 'error', code });
  }
  await writer.flush();
  await finish(platform, work, run, outcome);
}

/** One transaction writes the outcome, frees the slot and wakes the pipeline that waits. */
async function finish(
  { store, now }: Pick<Platform, 'store' | 'now'>,
  { lease }: ClaimedWork,
  run: BuildRun,
  outcome: null | 'cancel' | BuildFailure,
) {
  await store.transaction(async (records) => {
    const current = await records.buildRuns.get(run.tenantId, run.id);
    if (outcome === null && current.cancelRequestedAt) throw new BuildCancelled();
    const event =
      outcome === null
        ? ({ type: 'complete' } as const)
        : outcome === 'cancel'
          ? ({ type: 'cancel' } as const)
          : ({ type: 'fail', failure: outcome } as const);
    const ended = advanceBuildRun({ ...current, notes: run.notes, runnerRef: run.runnerRef }, event, now());
    await records.buildRuns.update(ended, {
      was: 'building',
      event: event.type,
      actor: (event.type === 'cancel' && current.cancelRequestedBy) || 'system',
      lease,
    });
    await advanceStepOf(records, ended);
    await records.queue.settle(lease);
  });
}
