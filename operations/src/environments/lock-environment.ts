import { type Environment, type EnvironmentLock, PlatformError, type ProjectId } from '@eve/domain';
import type { Caller } from '../caller.ts';
import { ageInWords } from '../deploys/age-in-words.ts';
import { recordAct } from '../organisations/record-act.ts';
import { invalidField } from '../organisations/refuse.ts';
import type { Platform } from '../platform.ts';
import { findEnvironment } from './get-environment.ts';

interface Which {
  readonly projectId: ProjectId;
  readonly name: string;
}

/**
 * Lets nothing be deployed to an environment until it is unlocked; what is under way goes on. Its holder may change the reason.
 * Throws `environment_locked` when somebody else holds it.
 */
export async function lockEnvironment(
  { store, now }: Pick<Platform, 'store' | 'now'>,
  caller: Caller,
  { projectId, name, reason }: Which & { readonly reason: string },
): Promise<Environment> {
  const why = reason.trim();
  if (why === '' || why.length > 500 || /\p{Cc}/u.test(why))
    throw invalidField('reason', 'Say why, in at most 500 characters on one line: others will read it.');
  const { id, tenantId } = await findEnvironment({ store }, caller, 'deploy', projectId, name);
  return store.transaction(async (records) => {
    const environment = await records.environments.getForChange(tenantId, id);
    const { lock: held, status } = environment;
    if (held && held.holder !== caller.actor) throw lockedBy(environment, held, now());
    const lock: EnvironmentLock = { holder: caller.actor, reason: why, since: held?.since ?? now() };
    await records.environments.update({ id, tenantId, lock });
    const act = { subjectKind: 'environment', subjectId: id, from: status, to: status, event: 'lock', at: now() };
    await recordAct(records, caller, act);
    return { ...environment, lock };
  });
}

/** Takes a lock away, whoever holds it, and answers with the one that was there; null when there was none. */
export async function unlockEnvironment(
  { store, now }: Pick<Platform, 'store' | 'now'>,
  caller: Caller,
  { projectId, name }: Which,
): Promise<{ readonly environment: Environment; readonly released: EnvironmentLock | null }> {
  const { id, tenantId } = await findEnvironment({ store }, caller, 'deploy', projectId, name);
  return store.transaction(async (records) => {
    const environment = await records.environments.getForChange(tenantId, id);
    const { lock: released, status } = environment;
    if (!released) return { environment, released };
    await records.environments.update({ id, tenantId, lock: null });
    const act = { subjectKind: 'environment', subjectId: id, from: status, to: status, event: 'unlock', at: now() };
    await recordAct(records, caller, act);
    return { environment: { ...environment, lock: null }, released };
  });
}

/** What whoever meets a lock is told. */
export function lockedBy(
  { name }: Pick<Environment, 'name'>,
  { holder, reason, since }: EnvironmentLock,
  at: Date,
): PlatformError {
  return new PlatformError(
    'environment_locked',
    `Environment ${name} was locked by ${holder} ${ageInWords(since, at)} ago: ${reason}. Nothing is deployed there until \`eve env unlock ${name}\`.`,
  );
}
