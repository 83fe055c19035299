import {
  advancePipelineRun,
  executeBuildRun,
  executeDeploy,
  giveUpBuildRun,
  giveUpDeploy,
  type Platform,
  retireInstances,
  runSweeper,
  runWorker,
} from '@eve/operations';

export interface WorkerOptions {
  readonly worker: string;
  readonly leaseMs: number;
  readonly buildSlots: number;
  readonly deploySlots: number;
}

/** Takes work and calls the operation of its kind until the signal ends it; what runs then is waited for. */
export async function work(platform: Platform, options: WorkerOptions, signal: AbortSignal): Promise<void> {
  const { worker, leaseMs, buildSlots, deploySlots } = options;
  const { store } = platform;
  await Promise.all([
    runSweeper(platform, { leaseMs }, signal),
    runWorker(
      platform,
      {
        worker,
        leaseMs,
        slots: { build: buildSlots, deploy: deploySlots, control: 8 },
        handlers: {
          'execute-build-run': (item, ended, cancelled) => executeBuildRun(platform, item, ended, cancelled),
          'execute-deploy': (item, ended, cancelled) => executeDeploy(platform, item, ended, cancelled),
          'retire-instances': (item, ended) => retireInstances(platform, item, ended),
          'advance-pipeline-run': (item) => advancePipelineRun(platform, item),
        },
        giveUp: async (item) => {
          if (item.kind === 'execute-build-run') return giveUpBuildRun(platform, item);
          if (item.kind === 'execute-deploy') return giveUpDeploy(platform, item);
          return store.queue.requeue(item.lease, 60_000, 'retry_delay');
        },
      },
      signal,
    ),
  ]);
}
