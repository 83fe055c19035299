import { DeployFailed } from '@eve/domain';
import type { Platform } from '../../platform.ts';
import type { Rolling } from '../../ports/deployer.ts';
import { type Execution, type Progress, setPhase } from '../execution.ts';
import { evenly, recordMissing } from '../record-endpoints.ts';
import { rollTo } from '../roll-to.ts';
import { sayEvent } from '../start-instances.ts';
import { routeWith } from '../switch-traffic.ts';
import { monitor } from './monitor.ts';
import { pauseAsItStands } from './rolling-pause.ts';

/**
 * The runtime replaces the replicas of each service itself. How many at a time, and whether new or old come first, is the service's
 * `update` there too; new replicas are watched once all of their service are there.
 */
export async function rollingByRuntime(platform: Platform, execution: Execution, by: Rolling): Promise<Progress> {
  const { context, until } = execution;
  const { target } = context;
  await setPhase(platform, execution, 'starting');
  try {
    for await (const event of rollTo(platform, { ...execution, ...context }, target, by, until)) {
      sayEvent(execution.writer, event);
      if (event.type === 'started' && context.deploy.phase !== 'probing')
        await setPhase(platform, execution, 'probing');
      if (event.type !== 'healthy') continue;
      await routeToNamed(platform, execution);
      platform.failpoint('in-rolling');
    }
    for (const wanted of target.services) await monitor(platform, execution, wanted);
  } catch (error) {
    if (!(error instanceof DeployFailed) || !wantsPause(execution, error)) throw error;
    await pauseAsItStands(platform, execution, error.failure);
    return 'waiting';
  }
  return 'switched';
}

function wantsPause({ context }: Execution, { failure }: DeployFailed): boolean {
  const failed = context.target.services.find(({ service }) => service.name === failure.service);
  return failed?.service.update.failureAction === 'pause';
}

/** Outside traffic goes where the names are already. */
async function routeToNamed(platform: Platform, execution: Execution): Promise<void> {
  const { context, work } = execution;
  const observed = await platform.deployer.observe(context.environment.id);
  const serving = observed.filter(({ named, state }) => named && state === 'running');
  await recordMissing(platform, context, work, serving);
  await routeWith(platform, execution, evenly(serving.map(({ name }) => name)));
}
