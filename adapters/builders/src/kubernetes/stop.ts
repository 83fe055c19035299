import { setTimeout as sleep } from 'node:timers/promises';
import { type Job, kinds } from '@eve/adapter-kubernetes';
import { findJob, podsOf } from './look.ts';
import type { JobOptions } from './options.ts';
import { patient } from './patient.ts';
import { jobName } from './place.ts';

const giveUpMs = 120_000;

/** Removes a build's Job and waits until none of its pods is there. Throws when that takes too long: it may still run. */
export async function stopJob(options: JobOptions, plan: string): Promise<void> {
  const signal = AbortSignal.timeout(giveUpMs);
  const { cluster, namespace } = options;
  const job = await patient(() => findOrLeaving(options, plan), signal);
  if (!job) return;
  const uid = job.metadata.uid;
  const only = uid === undefined ? {} : { uid };
  // First the Job, so that no other pod takes the place of those that end.
  await patient(
    () => cluster.remove(kinds.Job, { name: job.metadata.name, namespace }, { propagation: 'Background', ...only }),
    signal,
  );
  const asked = new Set<string>();
  for (;;) {
    const pods = await patient(() => podsOf(options, job), signal);
    if (pods.length === 0) return;
    for (const { metadata } of pods) {
      if (asked.has(metadata.name)) continue;
      asked.add(metadata.name);
      await patient(() => cluster.remove(kinds.Pod, { name: metadata.name, namespace }, { graceSeconds: 1 }), signal);
    }
    await sleep(100, undefined, { signal });
  }
}

async function findOrLeaving(options: JobOptions, plan: string): Promise<Job | null> {
  return (await findJob(options, plan)) ?? options.cluster.get(kinds.Job, jobName(plan), options.namespace);
}
