import type { Lease, RunnerPlan } from '@eve/operations';

/** What is written on a container that runs to its end. */
export const runLabel = {
  installation: 'eve.installation',
  role: 'eve.role',
  place: 'eve.place',
  environment: 'eve.environment',
  work: 'eve.work',
  fence: 'eve.fence',
} as const;

/** The whole of what the engine is asked to create for a run, as a value a test can read. */
export function runnerBody(plan: RunnerPlan, installation: string, lease: Lease): Readonly<Record<string, unknown>> {
  const { image, command, entrypoint, user, workingDir, environment, place, environmentId } = plan;
  const { memoryBytes, cpus } = plan.limits;
  return {
    Image: image,
    ...(command && { Cmd: command }),
    ...(entrypoint && { Entrypoint: entrypoint }),
    ...(user && { User: user }),
    ...(workingDir && { WorkingDir: workingDir }),
    Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    Labels: {
      [runLabel.installation]: installation,
      [runLabel.role]: 'run',
      ...(place !== null && { [runLabel.place]: place }),
      ...(environmentId && { [runLabel.environment]: environmentId }),
      [runLabel.work]: lease.workId,
      [runLabel.fence]: String(lease.fence),
    },
    HostConfig: {
      NetworkMode: place ?? 'none',
      RestartPolicy: { Name: 'no' },
      Init: true,
      LogConfig: { Type: 'json-file', Config: { 'max-size': '100m', 'max-file': '2' } },
      ...(memoryBytes !== null && { Memory: memoryBytes, MemorySwap: memoryBytes }),
      ...(cpus !== null && { NanoCpus: Math.round(cpus * 1e9) }),
    },
  };
}
