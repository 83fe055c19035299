import { dependenciesOf } from '@eve/domain';
import type { Platform } from '../platform.ts';
import type { DeployTarget, Instance, ServiceTarget } from '../ports/deployer.ts';
import type { Execution } from './execution.ts';
import { bringUp } from './start-instances.ts';

/**
 * Makes an environment ready for a service's release command: its network, and those of the services it depends on of which nothing
 * serves yet, such as the database of a first deploy. What serves already, also an older form of it, is left alone.
 */
export async function bringUpNeeds(platform: Platform, execution: Execution, wanted: ServiceTarget): Promise<void> {
  const { target, environment } = execution.context;
  const missing = missingNeeds(target, wanted, await platform.deployer.observe(environment.id));
  const upTo = Object.fromEntries(
    target.services.map(({ service }) => [service.name, missing.has(service.name) ? service.replicas : 0]),
  );
  const about = { service: wanted.service.name, step: 'release_command' };
  if (missing.size > 0) execution.writer.say(`It needs ${[...missing].join(', ')}, of which nothing serves yet`, about);
  for await (const _ of bringUp(platform, execution, upTo));
}

function missingNeeds({ services }: DeployTarget, wanted: ServiceTarget, observed: readonly Instance[]): Set<string> {
  const all = services.map(({ service }) => service);
  const serves = new Set(
    observed.filter(({ named, state }) => named && state === 'running').map(({ service }) => service),
  );
  const needed = dependenciesOf(wanted.service.name, all);
  return new Set(all.flatMap(({ name }) => (needed.has(name) && !serves.has(name) ? [name] : [])));
}
