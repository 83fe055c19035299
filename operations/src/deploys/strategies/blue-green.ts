import type { Platform } from '../../platform.ts';
import type { Execution, Progress } from '../execution.ts';
import { stabilise } from '../stabilise.ts';
import { startInstances } from '../start-instances.ts';
import { switchTraffic } from '../switch-traffic.ts';

/** Everything new is healthy beside what serves before anything moves; then all moves at once. */
export async function blueGreen(platform: Platform, execution: Execution): Promise<Progress> {
  // What served already is not healed by starting it anew: it has to show that it is stable.
  if (execution.context.deploy.phase !== 'stabilising') await startInstances(platform, execution);
  await switchTraffic(platform, execution);
  await stabilise(platform, execution);
  return 'switched';
}
