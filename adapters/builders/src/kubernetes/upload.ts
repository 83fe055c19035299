import { setTimeout as sleep } from 'node:timers/promises';
import { isRefused } from '@eve/adapter-kubernetes';
import type { ResolvedPlan } from '../client/plan.ts';
import type { JobEngine } from './engine.ts';
import { lookAt } from './look.ts';
import type { JobOptions } from './options.ts';
import { isAway, lookAgainMs, patient } from './patient.ts';
import { takeSource } from './pod-scripts.ts';
import { packSource } from './source.ts';

const tries = 5;

/** Sends a build's source into its pod once that runs. Resolves also when there is nothing to send it to any more. */
export async function sendSource(
  options: JobOptions,
  { source }: Pick<JobEngine, 'source'>,
  plan: ResolvedPlan,
  signal: AbortSignal,
): Promise<void> {
  await using archive = await packSource(plan, options.workDir, signal);
  let left = tries;
  for (let looks = 0; left > 0; looks += 1) {
    const pod = await patient(() => podWith(options, source.container, plan.name), signal);
    if (pod === 'gone') return;
    if (pod !== null) {
      left -= 1;
      const place = { namespace: options.namespace, pod, container: source.container };
      const command = [...source.shell, takeSource, 'eve', String(archive.bytes)];
      const code = await options.cluster
        .exec(place, command, { input: archive.open() }, signal)
        .catch((error: unknown) => {
          signal.throwIfAborted();
          if (isAway(error) || isRefused(error, 'not_found')) return null;
          throw error;
        });
      if (code === 0) return;
    }
    await sleep(lookAgainMs(looks), undefined, { signal });
  }
  throw new Error(`The source of ${plan.name} could not be sent to its builder.`);
}

/** The pod in which a container runs; null while it does not yet, `gone` when it has ended or never will. */
async function podWith(options: JobOptions, container: string, plan: string): Promise<string | 'gone' | null> {
  const seen = await lookAt(options, plan);
  if (!seen) return 'gone';
  const over = seen.job.status?.conditions?.some(({ type, status }) => type === 'Failed' && status === 'True');
  if (over) return 'gone';
  const statuses = [...(seen.pod?.status?.initContainerStatuses ?? []), ...(seen.pod?.status?.containerStatuses ?? [])];
  const state = statuses.find(({ name }) => name === container)?.state;
  if (state?.terminated) return 'gone';
  return state?.running && seen.pod ? seen.pod.metadata.name : null;
}
