import { type Event, type Job, kinds, type Pod, selector } from '@eve/adapter-kubernetes';
import type { BuilderName } from '@eve/domain';
import { labelsOf } from './job.ts';
import type { JobOptions } from './options.ts';
import { buildAnnotation, container, jobName } from './place.ts';
import type { Seen } from './trouble.ts';

type Where = Pick<JobOptions, 'cluster' | 'namespace' | 'installation'>;

/** The Job of a plan; null when there is none, or it is on its way out. */
export async function findJob({ cluster, namespace }: Where, plan: string): Promise<Job | null> {
  const job = await cluster.get(kinds.Job, jobName(plan), namespace);
  return job && job.metadata.deletionTimestamp === undefined ? job : null;
}

/** The names of the plans whose Jobs are there. */
export async function listPlans(where: Where, builder: BuilderName): Promise<string[]> {
  const labels = selector(labelsOf(where, builder));
  const jobs = await where.cluster.list(kinds.Job, { namespace: where.namespace, labels });
  const there = jobs.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  return there.flatMap(({ metadata }) => metadata.annotations?.[buildAnnotation.plan] ?? []);
}

/** The pods that a Job made; one that is on its way out is still there. */
export async function podsOf({ cluster, namespace }: Where, { metadata }: Job): Promise<readonly Pod[]> {
  const labels = selector({ 'batch.kubernetes.io/controller-uid': metadata.uid ?? '' });
  return cluster.list(kinds.Pod, { namespace, labels });
}

/** What the cluster shows of a build now, with `events` also why it does not start; null when its Job is gone. */
export async function lookAt(where: Where, plan: string, what: 'state' | 'events' = 'state'): Promise<Seen | null> {
  const job = await findJob(where, plan);
  if (!job) return null;
  const pods = await podsOf(where, job);
  const pod = pods.find(({ metadata }) => metadata.deletionTimestamp === undefined) ?? pods[0] ?? null;
  const started = pod?.status?.containerStatuses?.some(
    ({ name, state }) => name === container.build && !state?.waiting,
  );
  const events = started || what === 'state' ? [] : await eventsOf(where, job, pod);
  return { job, pod, events, at: new Date() };
}

async function eventsOf({ cluster, namespace }: Where, job: Job, pod: Pod | null): Promise<readonly Event[]> {
  const about = pod ?? job;
  const fields = `involvedObject.uid=${about.metadata.uid ?? ''}`;
  const events = await cluster.list(kinds.Event, { namespace, fields });
  return [...events].sort((a, b) => timeOf(a) - timeOf(b));
}

function timeOf({ lastTimestamp, eventTime, metadata }: Event): number {
  return Date.parse(lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? '') || 0;
}
