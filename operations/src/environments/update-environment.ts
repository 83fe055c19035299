import { type Environment, type EnvironmentSettings, PlatformError, type ProjectId } from '@eve/domain';
import type { Caller } from '../caller.ts';
import { canonicalJson, sha256 } from '../canonical.ts';
import { recordAct } from '../organisations/record-act.ts';
import { invalidField } from '../organisations/refuse.ts';
import type { Platform } from '../platform.ts';
import type { Records } from '../ports/store.ts';
import { findEnvironment } from './get-environment.ts';

const longestStabiliseMs = 60 * 60_000;

export interface UpdateEnvironment {
  readonly projectId: ProjectId;
  readonly name: string;
  readonly kind?: Environment['kind'];
  /** Only what is given changes; null: as the manifest says, and where it says nothing the default. */
  readonly settings?: Partial<EnvironmentSettings>;
  /** The version that whoever edits has seen, as `environmentVersion` gives it. */
  readonly expected?: string;
}

/** What two people may both edit, as one short word that changes with it. */
export function environmentVersion({ kind, settings }: Pick<Environment, 'kind' | 'settings'>): string {
  return sha256(canonicalJson({ kind, settings })).slice(0, 16);
}

/** Changes an environment's kind and settings; they count from the next deploy on. Throws `record_changed` when another edit was faster. */
export async function updateEnvironment(
  { store, now }: Pick<Platform, 'store' | 'now'>,
  caller: Caller,
  { projectId, name, kind, settings = {}, expected }: UpdateEnvironment,
): Promise<Environment> {
  const { stabiliseMs } = settings;
  if (stabiliseMs !== undefined && stabiliseMs !== null && !(stabiliseMs >= 0 && stabiliseMs <= longestStabiliseMs))
    throw invalidField('settings.stabilise', 'Give a time of at most an hour.');
  const { id, tenantId } = await findEnvironment({ store }, caller, 'configure', projectId, name);
  return store.transaction(async (records) => {
    const environment = await records.environments.getForChange(tenantId, id);
    if (expected !== undefined && expected !== environmentVersion(environment))
      throw await editedMeanwhile(records, environment);
    const changed: Environment = {
      ...environment,
      kind: kind ?? environment.kind,
      settings: { ...environment.settings, ...settings },
    };
    if (environmentVersion(changed) === environmentVersion(environment)) return environment;
    await records.environments.update({ id, tenantId, kind: changed.kind, settings: changed.settings });
    await recordAct(records, caller, {
      subjectKind: 'environment',
      subjectId: id,
      from: environment.status,
      to: environment.status,
      event: 'update',
      at: now(),
    });
    return changed;
  });
}

async function editedMeanwhile({ transitions }: Records, environment: Environment): Promise<PlatformError> {
  const edits = await transitions.list(environment.tenantId, environment.id);
  const last = edits.findLast(({ event }) => event === 'update');
  const by = last ? ` by ${last.actor} at ${last.at.toISOString()}` : '';
  return new PlatformError(
    'record_changed',
    `Environment ${environment.name} was changed${by}, after it was read: read it again, its version is now "${environmentVersion(environment)}".`,
  );
}
