import type { LogWriter } from '../logs/log-writer.ts';
import type { Platform } from '../platform.ts';
import type { DeployerEvent } from '../ports/deployer.ts';
import { writesVolume } from './deploy-target.ts';
import { type Execution, setPhase } from './execution.ts';
import { recordEndpoints } from './record-endpoints.ts';
import { isReplaced, keepingLogs } from './roll-to.ts';

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
  const { context, work, signal, until } = execution;
  const { deployer } = platform;
  const { target, environment } = context;
  const events = deployer.apply(target, work.lease, until, upTo);
  // Where a runtime has only so many places, what lies in the one that is free makes room, and a writer of a volume always does.
  const writers = new Set(target.services.flatMap(({ service }) => (writesVolume(service) ? [service.name] : [])));
  const leaving =
    deployer.exchange.by === 'rolling'
      ? (await deployer.observe(environment.id)).filter(
          (each) =>
            isReplaced(target, each) && upTo?.[each.service] !== 0 && (!each.named || writers.has(each.service)),
        )
      : [];
  for await (const event of keepingLogs(platform, { environment, target, signal }, leaving, events)) {
    until.throwIfAborted();
    await record(platform, execution, event);
    yield event;
  }
  until.throwIfAborted();
}

/** Prints what happens to instances. */
export function sayEvent(writer: LogWriter, event: DeployerEvent): void {
  if (event.type === 'note') writer.say(event.text, { service: event.service, step: 'start' });
  if (event.type === 'probed' && !event.probe.ok)
    writer.say(event.probe.detail, { service: event.service, step: 'probe' });
  if (event.type === 'started')
    writer.say(`Started ${event.instance.name}`, { service: event.instance.service, step: 'start' });
  if (event.type === 'healthy')
    writer.say(`Healthy: ${event.instance.name}`, { service: event.instance.service, step: 'probe' });
}

async function record(platform: Platform, execution: Execution, event: DeployerEvent): Promise<void> {
  const { context, writer, work } = execution;
  sayEvent(writer, event);
  if (event.type === 'probed' && !event.probe.ok) {
    // One that was to be taken up again and is not well: another one was started in its place.
    const reusable = context.target.reusable.filter((name) => name !== event.instance);
    context.target = { ...context.target, reusable };
  }
  if (event.type === 'started') await recordEndpoints(platform, context, work, event.instance);
}
