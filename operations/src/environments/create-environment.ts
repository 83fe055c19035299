import {
  type Environment,
  isEnvironmentName,
  noEnvironmentSettings,
  PlatformError,
  type Project,
  type ProjectId,
} from '@eve/domain';
import type { Caller } from '../caller.ts';
import { recordAct } from '../organisations/record-act.ts';
import { invalidField } from '../organisations/refuse.ts';
import type { Platform } from '../platform.ts';
import type { Records } from '../ports/store.ts';
import { findProject } from '../projects/get-project.ts';

/** Makes an environment with an empty configuration. Throws `environment_exists`. */
export async function createEnvironment(
  { store, now, newId }: Pick<Platform, 'store' | 'now' | 'newId'>,
  caller: Caller,
  { projectId, name, kind }: { projectId: ProjectId; name: string; kind?: Environment['kind'] },
): Promise<Environment> {
  const project = await findProject({ store }, caller, 'configure', projectId);
  return store.transaction((records) => addEnvironment(records, { now, newId }, caller, project, { name, kind }));
}

/** As createEnvironment, inside a transaction of a caller who has been let in. */
export async function addEnvironment(
  records: Records,
  { now, newId }: Pick<Platform, 'now' | 'newId'>,
  caller: Caller,
  { id: projectId, tenantId }: Pick<Project, 'id' | 'tenantId'>,
  { name, kind = 'persistent' }: { name: string; kind?: Environment['kind'] },
): Promise<Environment> {
  if (!isEnvironmentName(name)) {
    throw invalidField(
      'name',
      'Give the environment a name of at most 20 lower-case letters, digits and single hyphens, a letter first.',
    );
  }
  if (await records.environments.findByName(tenantId, projectId, name)) {
    throw new PlatformError('environment_exists', `There is an environment "${name}" already.`);
  }
  const environment: Environment = {
    id: newId('env'),
    tenantId,
    projectId,
    name,
    kind,
    status: 'active',
    suspendedReason: null,
    settings: noEnvironmentSettings,
    lock: null,
    currentRevisionId: null,
    lastDeployId: null,
    createdAt: now(),
  };
  const { id: environmentId, createdAt } = environment;
  await records.environments.insert(environment);
  await records.configVersions.insert({
    id: newId('cfg'),
    tenantId,
    environmentId,
    values: {},
    message: null,
    createdBy: caller.actor,
    createdAt,
  });
  await recordAct(records, caller, {
    subjectKind: 'environment',
    subjectId: environmentId,
    from: null,
    to: 'active',
    event: 'create',
    at: createdAt,
  });
  return environment;
}
