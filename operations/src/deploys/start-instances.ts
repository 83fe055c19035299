import type { Platform } from '../platform.ts';
import type { DeployerEvent } from '../ports/deployer.ts';
import { type Execution, setPhase } from './execution.ts';
import { recordEndpoints } from './record-endpoints.ts';

type UpTo = Readonly<Record<string, number>>;

/** Brings instances up beside what serves and resolves when each is healthy: all, or so many of each service. */
export async function startInstances(platform: Platform, execution: Execution, upTo?: UpTo): Promise<void> {
  const { context, until } = execution;
  until.throwIfAborted();
  if (context.deploy.phase !== 'probing') await setPhase(platform, execution, 'starting');
  for await (const { type } of bringUp(platform, execution, upTo))
    if (type === 'started' && context.deploy.phase !== 'probing') await setPhase(platform, execution, 'probing');
  platform.failpoint('after-start-instances');
}

/** Has the deployer bring instances up, prints what happens and records where each is reached; the phase is the caller's affair. */
export async function* bringUp(platform: Platform, execution: Execution, upTo?: UpTo): AsyncGenerator<DeployerEvent> {
  const { context, work, until } = execution;
  for await (const event of platform.deployer.apply(context.target, work.lease, until, upTo)) {
    until.throwIfAborted();
    await record(platform, execution, event);
    yield event;
  }
  until.throwIfAborted();
}

async function record(platform: Platform, execution: Execution, event: DeployerEvent): Promise<void> {
  const { context, writer, work } = execution;
  if (event.type === 'note') writer.say(event.text, { service: event.service, step: 'start' });
  if (event.type === 'probed' && !event.probe.ok) {
    writer.say(event.probe.detail, { service: event.service, step: 'probe' });
    // One that was to be taken up again and is not well: another one was started in its place.
    const reusable = context.target.reusable.filter((name) => name !== event.instance);
    context.target = { ...context.target, reusable };
  }
  if (event.type === 'started') {
    writer.say(`Started ${event.instance.name}`, { service: event.instance.service, step: 'start' });
    await recordEndpoints(platform, context, work, event.instance);
  }
  if (event.type === 'healthy')
    writer.say(`Healthy: ${event.instance.name}`, { service: event.instance.service, step: 'probe' });
}
