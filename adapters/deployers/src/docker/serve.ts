import type { DeployTarget, Lease } from '@eve/operations';
import { environmentLabels } from './container-body.ts';
import type { DeployerSettings } from './context.ts';
import { refuseOldFence } from './fence.ts';
import { findInstances, label } from './found.ts';
import type { Nameless } from './nameless.ts';
import { giveName, takeName } from './naming.ts';
import { ensurePlace } from './place.ts';

/** Gives the services' names to these instances and takes them from all others that run. */
export async function serve(
  { engine, installation, networkPool }: DeployerSettings,
  nameless: Nameless,
  target: DeployTarget,
  instances: readonly string[],
  lease: Lease,
  signal: AbortSignal,
): Promise<void> {
  await refuseOldFence(engine, target, lease);
  const labels = environmentLabels(target, installation);
  const place = await ensurePlace(engine, target.place, { pool: networkPool, labels });
  const found = await findInstances(engine, {
    [label.installation]: installation,
    [label.environment]: target.environment.id,
  });
  const serving = new Set(instances);
  // The new ones first: between the two steps a name means both, never nothing.
  signal.throwIfAborted();
  const fresh = found.filter(({ instance }) => serving.has(instance.name) && !instance.named);
  await Promise.all(fresh.map((each) => giveName(engine, place, each)));
  signal.throwIfAborted();
  // One that has exited resolves no more; that it had the name tells whom to bring back when its successor fails.
  const stale = found.filter(
    ({ instance }) => !serving.has(instance.name) && instance.named && instance.state !== 'exited',
  );
  await Promise.all(stale.map((each) => takeName(engine, place, each)));
  for (const { instance } of stale) nameless.lost(instance.name);
}
