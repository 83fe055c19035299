import type { BuildRun } from '@eve/domain';
import type { Platform } from '../platform.ts';

/** Stops whatever of a run an engine still carries out. Resolves when nothing of it runs any more. */
export async function stopLeftovers({ builders }: Pick<Platform, 'builders'>, run: BuildRun): Promise<void> {
  const builder = builders[run.backend];
  if (run.attempt === 0 || !builder) return;
  const mine = (await builder.list()).filter((ref) => ref.includes(run.id));
  await Promise.all(mine.map((ref) => builder.stop(ref)));
}
