import { type DockerEngine, listContainers } from '@eve/adapter-docker';
import { PlatformError } from '@eve/domain';
import type { DeployTarget, Lease } from '@eve/operations';
import { label } from './found.ts';

/** Refuses to act when a later claim of the same work has already made something for this deploy. */
export async function refuseOldFence(engine: DockerEngine, target: DeployTarget, lease: Lease): Promise<void> {
  const made = await listContainers(engine, [`${label.deploy}=${target.deployId}`, `${label.work}=${lease.workId}`]);
  if (made.some(({ Labels }) => Number(Labels[label.fence]) > lease.fence))
    throw new PlatformError('lease_lost', `Another worker carries out deploy ${target.deployId} by now.`);
}
