import {
  advancePipelineRun,
  archiveLogs,
  collectGarbageRegularly,
  executeBuildRun,
  executeDeploy,
  giveUpBuildRun,
  giveUpDeploy,
  giveUpPipelineRun,
  type Platform,
  retireInstances,
  runWorker,
  sweepQueue,
  watchDrift,
  watchOverdueBuildRuns,
} from '@eve/operations';

/** What could not be removed is tried again for ever, at this distance. */
const retireAgainMs = 60_000;

export interface WorkerOptions {
  readonly worker: string;
  readonly leaseMs: number;
  readonly buildSlots: number;
  /** What all workers together build at once; null: not limited. */
  readonly builderCapacity: number | null;
  readonly deploySlots: number;
  /** How long what runs may still end by itself after the signal, before it is given back. */
  readonly graceMs: number;
}

/** Takes work and calls the operation of its kind until the signal ends it; what runs then may end, and is given back to other workers when it takes longer. */
export async function work(platform: Platform, options: WorkerOptions, signal: AbortSignal): Promise<void> {
  const { worker, leaseMs, graceMs, buildSlots, deploySlots, builderCapacity } = options;
  const { store } = platform;
  await platform.queue.setCapacity('build', builderCapacity);
  await Promise.all([
    sweepQueue(platform, { leaseMs }, signal),
    archiveLogs(platform, signal),
    watchOverdueBuildRuns(platform, signal),
    watchDrift(platform, signal),
    collectGarbageRegularly(platform, signal),
    runWorker(
      platform,
      {
        worker,
        leaseMs,
        graceMs,
        slots: { build: buildSlots, deploy: deploySlots, control: 8 },
        handlers: {
          'execute-build-run': (item, ended, cancelled) => executeBuildRun(platform, item, ended, cancelled),
          'execute-deploy': (item, ended, cancelled) => executeDeploy(platform, item, ended, cancelled),
          'retire-instances': (item, ended) => retireInstances(platform, item, ended),
          'advance-pipeline-run': (item) => advancePipelineRun(platform, item),
        },
        giveUp: {
          'execute-build-run': (item) => giveUpBuildRun(platform, item),
          'execute-deploy': (item) => giveUpDeploy(platform, item),
          'retire-instances': (item) => store.queue.requeue(item.lease, retireAgainMs, 'retry_delay'),
          'advance-pipeline-run': (item, error) => giveUpPipelineRun(platform, item, error),
        },
      },
      signal,
    ),
  ]);
}
