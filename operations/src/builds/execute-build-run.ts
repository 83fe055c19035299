import {
  advanceBuildRun,
  type BuildFailure,
  type BuildFailurePhase,
  type BuildRun,
  boundedRetryPolicy,
  buildFailure,
  formatBuildFailure,
  isBuildRunFinished,
  isRetried,
  retryDelayMs,
  showSeconds,
} from '@eve/domain';
import { logWriter } from '../logs/log-writer.ts';
import { redactor } from '../logs/redact.ts';
import type { Platform } from '../platform.ts';
import type { ClaimedWork } from '../ports/work-queue.ts';
import { checkOwnRegistry } from '../registry/check-own-registry.ts';
import { areBuildsHeld } from '../retention/registry-gate.ts';
import { patiently } from '../work/patiently.ts';
import { type BuildAttempt, BuildCancelled } from './build-attempt.ts';
import { loadBuildContext } from './build-context.ts';
import { type BuildDeadline, buildDeadline } from './build-deadline.ts';
import { buildFailureOf, buildTimeout, prepareTimeout } from './build-failure-of.ts';
import { buildImages } from './build-images.ts';
import { checkOutSource } from './check-out-source.ts';
import { endBuildRun, giveBackBuildRun } from './end-build-run.ts';
import { planImages } from './plan-images.ts';
import { printedLines } from './printed-lines.ts';
import { runRecord } from './run-record.ts';
import { stopLeftovers } from './stop-leftovers.ts';
import { survivingBuild } from './surviving-build.ts';

const heldBackMs = 2_000;

/**
 * Carries a build run out under a lease: checks the source out, tests and builds each image, records the outcome.
 * May be delivered twice: what a lost worker left is followed on where the engine keeps it going, else stopped, and the run goes on as
 * its next attempt.
 */
export async function executeBuildRun(
  platform: Platform,
  work: ClaimedWork,
  signal: AbortSignal,
  cancelled: AbortSignal,
): Promise<void> {
  const { store, log } = platform;
  const found = await store.buildRuns.get(work.tenantId, work.id as BuildRun['id']);
  if (isBuildRunFinished(found)) return store.queue.settle(work.lease);
  if (await areBuildsHeld(platform)) return store.queue.requeue(work.lease, heldBackMs, 'lock');
  const printed = await survivingBuild(platform, found);
  if (!printed) await stopLeftovers(platform, found);
  const run = printed ? found : await begin(platform, found, work, signal);

  // Before the secrets are known nothing is printed that could hold one.
  let redact = (text: string) => text;
  await using writer = logWriter(platform, run, {
    ...{ lease: work.lease, attempt: run.attempt, signal },
    redact: (text) => redact(text),
  });
  using deadline = buildDeadline();
  const record = runRecord(platform, run, work.lease);
  const where = { phase: 'prepare' as BuildFailurePhase };
  const either = AbortSignal.any([signal, cancelled, deadline.signal]);
  try {
    if (run.cancelRequestedAt) throw new BuildCancelled();
    deadline.begin(platform.settings.buildPrepareTimeoutMs, prepareTimeout(platform.settings.buildPrepareTimeoutMs));
    const context = await patiently(() => loadBuildContext(platform, run, either), either);
    redact = redactor(context.secretValues);
    if (printed) writer.say('Taken over from another worker: the build has gone on meanwhile', { step: 'worker' });
    const lines = context.builder.survives ? (printed ?? printedLines(null)) : null;
    const attempt: BuildAttempt = { context, work, writer, record, printed: lines, held: signal };
    const said = await carryOut(platform, attempt, printed !== null, deadline, where, either);
    platform.failpoint('before-complete');
    either.throwIfAborted();
    writer.say(said, { step: 'done' });
    await writer.flush();
    await endBuildRun(platform, work, record.run, { type: 'complete' }, signal);
    if (context.builder.survives) await removeEnded(platform, record.run);
  } catch (error) {
    if (signal.aborted) throw error;
    const ending = { platform, work, writer, run: record.run, held: signal };
    // An end is written only when the engine has said that nothing of it runs any more.
    await stopLeftovers(platform, record.run);
    if (cancelled.aborted || error instanceof BuildCancelled) return await endCancelled(ending);
    const failure = deadline.missed() ?? buildFailureOf(error, where.phase);
    if (!failure) log.error({ runId: run.id, error }, 'a build run failed for a reason of ours');
    await endFailed(ending, redacted(failure ?? ourFailure(where.phase), redact)).catch(async (late: unknown) => {
      if (!(late instanceof BuildCancelled)) throw late;
      await endCancelled(ending);
    });
  }
}

/** What an engine keeps of builds that have ended is not needed any more; what stays is removed by the engine's own rule. */
async function removeEnded(platform: Platform, run: BuildRun): Promise<void> {
  await stopLeftovers(platform, run).catch((error: unknown) => {
    platform.log.warn({ runId: run.id, error }, 'what an engine kept of an ended build could not be removed');
  });
}

/** Takes the run over from whoever had it: a new attempt of the same run. */
async function begin(
  { store, now }: Pick<Platform, 'store' | 'now'>,
  found: BuildRun,
  { lease }: ClaimedWork,
  held: AbortSignal,
): Promise<BuildRun> {
  const act = () =>
    store.transaction(async ({ buildRuns }) => {
      let run = await buildRuns.get(found.tenantId, found.id);
      // An answer that was lost: it has begun.
      if (run.status === 'building' && run.attempt === found.attempt + 1) return run;
      if (run.status === 'building') {
        run = advanceBuildRun(run, { type: 'requeue' }, now());
        await buildRuns.update(run, { was: 'building', event: 'requeue', actor: 'system', lease });
      }
      run = advanceBuildRun(run, { type: 'start' }, now());
      await buildRuns.update(run, { was: 'pending', event: 'start', actor: 'system', lease });
      return run;
    });
  return patiently(act, held);
}

/** The way of a build, each part under its deadline. Answers what to say of its success. */
async function carryOut(
  platform: Platform,
  attempt: BuildAttempt,
  isTakenOver: boolean,
  deadline: BuildDeadline,
  where: { phase: BuildFailurePhase },
  signal: AbortSignal,
): Promise<string> {
  const { context, writer, record } = attempt;
  const { limits, notes, tier } = context;
  await record.note({ phase: 'downloading', notes, limits: limits.run });

  const { manifest, logins } = context;
  await patiently(() => checkOwnRegistry(platform, record.run, manifest, logins, signal), signal);

  where.phase = 'source';
  // A build that goes on has its source: only its plan is needed, and all this was said before.
  const quiet = isTakenOver ? { ...writer, say() {} } : writer;
  await using workspace = await patiently(() => checkOutSource(platform, context, quiet, signal), signal);
  platform.failpoint('after-checkout');
  where.phase = 'plan';
  const images = await planImages(context, workspace, platform.settings);
  const names = images.map(({ plan }) => plan.service).join(', ');
  for (const note of limits.notes) quiet.say(`Note: ${note}`, { step: 'plan' });
  quiet.say(`Building ${images.length} ${images.length === 1 ? 'service' : 'services'}: ${names}`, { step: 'plan' });

  where.phase = 'build';
  deadline.begin(limits.run.timeoutMs, buildTimeout(limits, tier));
  await record.note({ phase: 'building', runnerRef: images.map(({ plan }) => plan.name).join(',') });
  // Awaited here: the workspace goes with this function.
  return await buildImages(platform, attempt, images, signal);
}

interface Ending {
  readonly platform: Platform;
  readonly work: ClaimedWork;
  readonly writer: BuildAttempt['writer'];
  readonly run: BuildRun;
  readonly held: AbortSignal;
}

async function endCancelled({ platform, work, writer, run, held }: Ending): Promise<void> {
  const asked = await patiently(() => platform.store.buildRuns.get(run.tenantId, run.id), held);
  const reason = asked.cancelReason ? ` (${asked.cancelReason})` : '';
  const by = asked.cancelRequestedBy ?? 'system';
  writer.say(`Cancelled by ${by}${reason}: nothing of this build runs any more`, { step: 'cancel' });
  await writer.flush();
  await endBuildRun(platform, work, run, { type: 'cancel' }, held);
}

/** Ends the run, or gives it back when what failed passes by itself. */
async function endFailed({ platform, work, writer, run, held }: Ending, failure: BuildFailure): Promise<void> {
  const { code, service } = failure;
  const spec = await patiently(() => platform.store.buildSpecs.get(run.tenantId, run.buildId), held);
  const policy = spec.inputs?.retryPolicy;
  const delayMs = isRetried(failure) ? retryDelayMs(policy, run.retries) : null;
  writer.say(`Error: ${formatBuildFailure(failure)}`, { service, step: 'error', code });
  if (delayMs !== null) {
    const attempts = `attempt ${run.retries + 2} of ${boundedRetryPolicy(policy).maxRetries + 1}`;
    writer.say(`This may pass by itself: the build is tried again in ${showSeconds(delayMs)}, as ${attempts}.`, {
      service,
      step: 'retry',
    });
    await writer.flush();
    return giveBackBuildRun(platform, work, run, delayMs, held);
  }
  writer.say(`Hint: ${failure.hint}`, { service, step: 'error', code });
  await writer.flush();
  await endBuildRun(platform, work, run, { type: 'fail', failure }, held);
}

function ourFailure(phase: BuildFailurePhase): BuildFailure {
  const message = 'Something unexpected went wrong in Eve itself; the cause is in its own log.';
  return buildFailure('infrastructure_error', message, { phase });
}

function redacted(failure: BuildFailure, redact: (text: string) => string): BuildFailure {
  return {
    ...failure,
    message: redact(failure.message),
    step: failure.step && redact(failure.step),
    hint: redact(failure.hint),
    tail: failure.tail.map(redact),
  };
}
