import { isRefused, type Job, kinds } from '@eve/adapter-kubernetes';
import { PlatformError } from '@eve/domain';
import type { Builder, ImageBuildPlan } from '@eve/operations';
import { checkPlan } from '../client/check-plan.ts';
import { type ResolvedPlan, resolvePlan } from '../client/plan.ts';
import type { JobEngine } from './engine.ts';
import { followJob } from './follow.ts';
import { buildJob, secretOf } from './job.ts';
import { findJob, listPlans } from './look.ts';
import type { JobOptions } from './options.ts';
import { patient } from './patient.ts';
import { stopJob } from './stop.ts';
import { sendSource } from './upload.ts';

/** A source that this process sends. */
interface Sending {
  readonly abort: AbortController;
  readonly sent: Promise<void>;
  /** Ends when the source cannot be sent. */
  readonly failed: AbortSignal;
}

/** How long an API server may be away before a build is not begun. */
const patienceMs = 30_000;

/** Builds as Jobs of their own: they outlive the process that asked for them, and any other may follow or stop them. */
export function jobBuilds(options: JobOptions, engine: JobEngine): Builder {
  const sending = new Map<string, Sending>();

  /** Finds the Job of a plan or makes it, with its Secret; only then it may start. */
  const start = async (plan: ResolvedPlan, capabilities: Awaited<ReturnType<JobEngine['capabilities']>>) => {
    const { cluster, namespace } = options;
    const wanted = buildJob(options, engine.name, plan, engine.pod(plan, capabilities));
    const job = await cluster.create(kinds.Job, wanted).catch(async (error: unknown) => {
      const found = isRefused(error, 'exists') ? await findJob(options, plan.name) : null;
      if (found) return found;
      throw error;
    });
    if (!job.spec.suspend) return;
    await cluster.create(kinds.Secret, secretOf(plan, options, job)).catch(unlessThere);
    await cluster.patch<Job>(kinds.Job, { name: job.metadata.name, namespace }, { spec: { suspend: false } });
  };

  const send = (plan: ResolvedPlan) => {
    const abort = new AbortController();
    const failed = new AbortController();
    const sent = sendSource(options, engine, plan, abort.signal)
      .catch((error: unknown) => {
        if (!abort.signal.aborted) failed.abort(error);
      })
      .finally(() => {
        if (!failed.signal.aborted) sending.delete(plan.name);
      });
    sending.set(plan.name, { abort, sent, failed: failed.signal });
  };

  return {
    name: engine.name,
    survives: true,
    capabilities: (signal) => engine.capabilities(signal),
    async ensure(plan: ImageBuildPlan) {
      const within = AbortSignal.timeout(patienceMs);
      const capabilities = await patient(() => engine.capabilities(), within);
      checkPlan(capabilities, plan);
      refuseLocalCaches(plan);
      const resolved = await resolvePlan(plan);
      await patient(() => engine.prepare(), within);
      await patient(() => start(resolved, capabilities), within);
      // Also to a Job that is there already: whoever made it may be lost.
      if (!sending.has(plan.name)) send(resolved);
      return plan.name;
    },
    async *follow(ref, cursor, signal) {
      signal.throwIfAborted();
      const failed = sending.get(ref)?.failed;
      yield* followJob({ options, engine }, ref, cursor, failed ? AbortSignal.any([signal, failed]) : signal);
    },
    async stop(ref) {
      const mine = sending.get(ref);
      mine?.abort.abort();
      await mine?.sent;
      sending.delete(ref);
      await stopJob(options, ref);
    },
    list: () => listPlans(options, engine.name),
  };
}

function unlessThere(error: unknown): void {
  if (!isRefused(error, 'exists')) throw error;
}

/** A pod has no directory that stays. */
function refuseLocalCaches({ service, cacheFrom, cacheTo }: ImageBuildPlan): void {
  if ([...cacheFrom, ...cacheTo].every(({ type }) => type !== 'local')) return;
  throw new PlatformError(
    'engine_capability_missing',
    `Service ${service} asks for a "local" cache; builds in a cluster keep layers in a registry only: use "registry".`,
  );
}
