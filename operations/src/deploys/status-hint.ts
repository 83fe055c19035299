import { waitsForPerson } from '@eve/domain';
import type { EnvironmentStatus } from './environment-status.ts';

/** What to do about the state of an environment; null where nothing is to be done. `watched`: somebody looks for drift. */
export function statusHint(status: Omit<EnvironmentStatus, 'hint'>, watched: boolean): string | null {
  const { environment, health, unknownBecause, revision, rules, waitingDeploy, services, lastDeploy, activeDeploy } =
    status;
  const { name, lock } = environment;
  if (unknownBecause) return 'Look whether the engine runs: eve doctor';
  if (activeDeploy?.failure) return activeDeploy.failure.hint;
  if (waitingDeploy && waitsForPerson(waitingDeploy) === 'approval')
    return `Deploy ${waitingDeploy.id} waits for somebody: eve deploy approve ${waitingDeploy.id}`;
  if (health === 'degraded' && revision) {
    if (status.differences.length === 0 && services.every(({ state }) => state === 'running'))
      return `It runs as released and does not answer as healthy: eve env logs ${name}`;
    if (environment.status === 'suspended') return `Nothing is started while it is suspended: eve env resume ${name}`;
    if (lock) return `Nothing is started while it is locked: eve env unlock ${name}`;
    return rules.drift === 'repair' && watched
      ? `It is repaired by itself; how far that is: eve env drift ${name}`
      : `Start again what is missing: eve env repair ${name}`;
  }
  return lastDeploy?.status === 'failed' ? (lastDeploy.failure?.hint ?? null) : null;
}
