import { DeployFailed } from '@eve/domain';
import type { Instance, ServiceTarget } from '../ports/deployer.ts';
import { deployFailure } from './deploy-failure.ts';

/** The instances that are this revision's: running, and of the hash it asks for. */
export function currentInstances(services: readonly ServiceTarget[], instances: readonly Instance[]): Instance[] {
  return services.flatMap(({ service, hash }) => {
    const mine = instances.filter(
      (each) => each.service === service.name && each.hash === hash && each.state === 'running',
    );
    const newest = mine
      .map(({ deployId }) => deployId)
      .sort()
      .at(-1);
    return mine.filter(({ deployId }) => deployId === newest).slice(0, service.replicas);
  });
}

/** Success means that the runtime itself reports the release's digests. */
export function checkDigests(services: readonly ServiceTarget[], instances: readonly Instance[]): void {
  for (const { service, digests } of services) {
    const running = instances.filter((instance) => instance.service === service.name);
    if (running.length < service.replicas) {
      const message = `Of ${service.replicas} instances of service ${service.name} only ${running.length} run.`;
      throw new DeployFailed(deployFailure('container_exited', message, service.name));
    }
    const other = running.find((instance) => !instance.digests.some((digest) => digests.includes(digest)));
    if (other) {
      const message = `Instance ${other.name} runs ${other.digests.join(', ')}, the release names ${digests[0]}.`;
      throw new DeployFailed(deployFailure('digest_mismatch', message, service.name));
    }
  }
}
