import type { Platform } from '../platform.ts';
import type { DeployerEvent } from '../ports/deployer.ts';
import { type Execution, setPhase } from './execution.ts';
import { recordEndpoints } from './record-endpoints.ts';

/** Brings instances up beside what serves and resolves when each is healthy: all, or so many of each service. */
export async function startInstances(
  platform: Platform,
  execution: Execution,
  upTo?: Readonly<Record<string, number>>,
): Promise<void> {
  const { context, work, until } = execution;
  until.throwIfAborted();
  if (context.deploy.phase !== 'probing') await setPhase(platform, execution, 'starting');
  for await (const event of platform.deployer.apply(context.target, work.lease, until, upTo)) {
    until.throwIfAborted();
    await record(platform, execution, event);
  }
  until.throwIfAborted();
  platform.failpoint('after-start-instances');
}

async function record(platform: Platform, execution: Execution, event: DeployerEvent): Promise<void> {
  const { context, writer, work } = execution;
  if (event.type === 'note') writer.say(event.text, { service: event.service, step: 'start' });
  if (event.type === 'probed' && !event.probe.ok)
    writer.say(event.probe.detail, { service: event.service, step: 'probe' });
  if (event.type === 'started') {
    if (context.deploy.phase !== 'probing') await setPhase(platform, execution, 'probing');
    writer.say(`Started ${event.instance.name}`, { service: event.instance.service, step: 'start' });
    await recordEndpoints(platform, context, work, event.instance);
  }
  if (event.type === 'healthy')
    writer.say(`Healthy: ${event.instance.name}`, { service: event.instance.service, step: 'probe' });
}
