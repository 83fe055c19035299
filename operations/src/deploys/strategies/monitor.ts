import { DeployFailed } from '@eve/domain';
import type { Platform } from '../../platform.ts';
import type { ServiceTarget } from '../../ports/deployer.ts';
import type { Execution } from '../execution.ts';
import { watchInstances } from '../watch-instances.ts';

/** Watches a service's new replicas for as long as it asks for. `continue` means that one which was healthy may fail again. */
export async function monitor(platform: Platform, execution: Execution, { service }: ServiceTarget): Promise<void> {
  const { context, writer } = execution;
  const { monitorMs, failureAction } = service.update;
  if (!monitorMs) return;
  const observed = await platform.deployer.observe(context.environment.id);
  const mine = observed.filter((each) => each.deployId === context.target.deployId && each.service === service.name);
  try {
    await watchInstances(platform, execution, mine, { forMs: monitorMs, since: platform.now() });
  } catch (error) {
    if (!(error instanceof DeployFailed) || failureAction !== 'continue') throw error;
    const words = `${error.message} The update goes on, as its failure_action says.`;
    writer.say(words, { service: service.name, step: 'monitor' });
  }
}
