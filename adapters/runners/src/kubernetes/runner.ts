import { setTimeout as sleep } from 'node:timers/promises';
import {
  annotation,
  type Cluster,
  isRefused,
  type Job,
  kinds,
  objectName,
  type Pod,
  selector,
} from '@eve/adapter-kubernetes';
import { PlatformError } from '@eve/domain';
import type { Lease, Runner, RunnerEvent, RunnerPlan } from '@eve/operations';
import {
  aloneness,
  fenceText,
  isOvertaken,
  labelsOfRun,
  labelsOfRuns,
  type RunSettings,
  refuseForeign,
  runAnnotation,
  runContainer,
  runJob,
  runLabel,
  runNamespace,
  runSecrets,
  runsEgress,
  runsNamespace,
} from './run-job.ts';
import { exitCodeOf, type RunLook, type RunState, stateOf } from './run-state.ts';

export interface KubernetesRunnerOptions extends RunSettings {
  readonly cluster: Cluster;
}

const lookMs = 200;
/** An image may be big; whoever follows waits for it too. */
const longestStartMs = 600_000;
const longestStopMs = 120_000;
const attempts = 10;
/** The cursor after the word of what kept a program from running. */
const atItsEnd = 'end';

/** Runs containers to completion as Jobs. A cursor is the time of the last line that was seen. */
export function kubernetesRunner(options: KubernetesRunnerOptions): Runner {
  const { cluster } = options;
  return {
    async ensure(plan, lease) {
      // An image of some machine's own engine: no cluster has it.
      if (/^sha256:[0-9a-f]{64}$/.test(plan.image))
        throw new PlatformError('image_unknown', `${plan.name} is to run ${plan.image}, which is in no registry.`);
      const job = await ensureJob(options, plan, lease);
      if (job.spec.suspend) await release(cluster, plan, job);
      await untilStarted(options, job);
      return plan.name;
    },

    follow: (ref, cursor, signal) => follow(options, ref, cursor, signal),

    async stop(ref) {
      const job = await jobOf(options, ref);
      if (job) await remove(options, job);
    },

    async list() {
      const labels = selector({ ...labelsOfRuns(options), [runLabel]: true });
      const jobs = await cluster.list(kinds.Job, { labels });
      return jobs.flatMap(({ metadata }) => metadata.annotations?.[runAnnotation] ?? []);
    },
  };
}

/** The Job of this plan, made unless it is there, and said to be ours. */
async function ensureJob(options: KubernetesRunnerOptions, plan: RunnerPlan, lease: Lease): Promise<Job> {
  const { cluster } = options;
  const namespace = runNamespace(plan, options);
  for (let attempt = 1; ; attempt++) {
    const there = await cluster.get(kinds.Job, objectName(plan.name), namespace);
    try {
      if (!there) return await make(options, plan, lease);
      if (there.metadata.deletionTimestamp) await remove(options, there);
      else return await hold(cluster, there, lease);
    } catch (error) {
      // Another worker was faster: what it made is ours as well.
      if (!isRefused(error, 'exists', 'conflict') || attempt === attempts) throw error;
    }
  }
}

async function make(options: KubernetesRunnerOptions, plan: RunnerPlan, lease: Lease): Promise<Job> {
  const { cluster } = options;
  const wanted = runJob(plan, options, lease);
  const namespace = runsNamespace(plan, options);
  const there = await cluster.get(kinds.Namespace, namespace.metadata.name);
  if (there && plan.place !== null) refuseForeign(there, namespace);
  if (!there) await cluster.apply(kinds.Namespace, namespace);
  await cluster.apply(kinds.NetworkPolicy, plan.place === null ? aloneness(options) : runsEgress(namespace));
  return await cluster.create(kinds.Job, wanted);
}

/** Writes down who acts on a run; refuses who was overtaken. */
async function hold(cluster: Cluster, job: Job, lease: Lease): Promise<Job> {
  const { name, namespace, annotations = {}, resourceVersion } = job.metadata;
  const written = annotations[annotation.fence];
  if (isOvertaken(written, lease))
    throw new PlatformError('lease_lost', `Another worker runs ${annotations[runAnnotation] ?? name} by now.`);
  if (written === fenceText(lease)) return job;
  const metadata = { resourceVersion, annotations: { [annotation.fence]: fenceText(lease) } };
  return cluster.patch(kinds.Job, { name, namespace }, { metadata });
}

/** Lets a Job begin once all is there that its pod needs. */
async function release(cluster: Cluster, plan: RunnerPlan, job: Job): Promise<void> {
  for (const secret of runSecrets(plan, job)) {
    try {
      await cluster.create(kinds.Secret, secret);
    } catch (error) {
      if (!isRefused(error, 'exists')) throw error;
    }
  }
  const { name, namespace } = job.metadata;
  await cluster.patch(kinds.Job, { name, namespace }, { spec: { suspend: false } });
}

/** Resolves once the run has begun. What will never begin is removed. */
async function untilStarted(options: KubernetesRunnerOptions, job: Job): Promise<void> {
  const begun = performance.now();
  let stuckSince: number | null = null;
  while (performance.now() - begun < longestStartMs) {
    const seen = await lookAt(options.cluster, job);
    if (!seen) throw removed(job);
    const now = stateOf(seen);
    if (now.state === 'running' || now.state === 'ended') return;
    // It stays: who asks again is not to have it run once more.
    if (now.state === 'lost') throw now.error;
    if (now.state === 'stuck') {
      stuckSince ??= performance.now();
      if (performance.now() - stuckSince >= now.patienceMs) {
        if (now.isOver) await remove(options, job);
        throw now.error;
      }
    } else stuckSince = null;
    await sleep(lookMs);
  }
}

async function* follow(
  options: KubernetesRunnerOptions,
  ref: string,
  cursor: string | null,
  signal: AbortSignal,
): AsyncGenerator<RunnerEvent> {
  const { cluster } = options;
  signal.throwIfAborted();
  const job = await jobOf(options, ref);
  if (!job) throw new PlatformError('record_changed', `The run ${ref} is not there.`);
  const pod = await untilItRan(options, job, signal);
  const { name, namespace = '' } = pod.metadata;
  if (cursor !== atItsEnd) {
    const place = { namespace, pod: name, container: runContainer };
    const lines = cluster.logs(place, { follow: true, ...(cursor && { after: cursor }) }, signal);
    for await (const { at, time, text } of lines) yield { type: 'log', stream: 'stdout', text, at, cursor: time };
  }
  for (;;) {
    signal.throwIfAborted();
    const seen = await lookAt(cluster, job);
    if (!seen) throw removed(job);
    const now = stateOf(seen);
    if (now.state === 'ended') {
      const { end, outOfMemory, said } = now;
      if (said !== null && cursor !== atItsEnd)
        yield { type: 'log', stream: 'stderr', text: said, at: new Date(end.finishedAt ?? 0), cursor: atItsEnd };
      yield { type: 'exited', code: exitCodeOf(end), outOfMemory };
      return;
    }
    if (isLost(now)) throw now.error;
    await sleep(lookMs, undefined, { signal });
  }
}

function isLost(now: RunState): now is Extract<RunState, { error: PlatformError }> {
  return now.state === 'lost' || (now.state === 'stuck' && now.isOver);
}

/** The pod of a run once there is something to read of it. */
async function untilItRan({ cluster }: KubernetesRunnerOptions, job: Job, signal: AbortSignal): Promise<Pod> {
  for (;;) {
    signal.throwIfAborted();
    const seen = await lookAt(cluster, job);
    if (!seen) throw removed(job);
    const now = stateOf(seen);
    if (seen.pod && (now.state === 'running' || now.state === 'ended')) return seen.pod;
    if (isLost(now)) throw now.error;
    await sleep(lookMs, undefined, { signal });
  }
}

async function jobOf({ cluster, installation }: KubernetesRunnerOptions, ref: string): Promise<Job | null> {
  const [job] = await cluster.list(kinds.Job, { labels: selector(labelsOfRun(ref, { installation })) });
  return job ?? null;
}

async function lookAt(cluster: Cluster, { metadata: { name, namespace, uid } }: Job): Promise<RunLook | null> {
  const job = await cluster.get(kinds.Job, name, namespace);
  if (!job || job.metadata.uid !== uid) return null;
  const [pod = null] = await podsOf(cluster, job);
  const fields = `involvedObject.uid=${(pod ?? job).metadata.uid}`;
  const isQuiet = pod?.status?.phase === 'Running';
  return { job, pod, events: isQuiet ? [] : await cluster.list(kinds.Event, { namespace, fields }) };
}

function podsOf(cluster: Cluster, { metadata: { namespace, uid } }: Job): Promise<readonly Pod[]> {
  return cluster.list(kinds.Pod, { namespace, labels: selector({ 'batch.kubernetes.io/controller-uid': uid ?? '' }) });
}

/** Resolves when the Job is gone and the machine of its pod has confirmed that nothing of it runs any more. */
async function remove({ cluster }: KubernetesRunnerOptions, job: Job): Promise<void> {
  const { name, namespace, uid } = job.metadata;
  await cluster.remove(kinds.Job, { name, namespace }, { propagation: 'Foreground', uid });
  for (const begun = performance.now(); ; await sleep(lookMs)) {
    const there = await cluster.get(kinds.Job, name, namespace);
    if (there?.metadata.uid !== uid && (await podsOf(cluster, job)).length === 0) return;
    if (performance.now() - begun > longestStopMs)
      throw new PlatformError(
        'engine_unavailable',
        `The cluster has not confirmed within ${longestStopMs / 1000} s that ${name} in namespace ${namespace} has ended: its machine may be lost.`,
      );
  }
}

function removed({ metadata: { name } }: Job): PlatformError {
  return new PlatformError('record_changed', `The run ${name} was removed while it was followed.`);
}
