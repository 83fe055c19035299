import type { ProjectId, Secret } from '@eve/domain';
import type { Caller } from '../caller.ts';
import { recordAct } from '../organisations/record-act.ts';
import { authorizeOrganisation, invalidField } from '../organisations/refuse.ts';
import type { Platform } from '../platform.ts';
import { findProject } from '../projects/get-project.ts';
import { checkedSecretName } from '../projects/repository.ts';

const maxBytes = 64 * 1024;

/** Gives a secret a value: a new version, which counts from the next deploy on. Without a project it is the organisation's. */
export async function setSecret(
  { store, vault, now, newId }: Pick<Platform, 'store' | 'vault' | 'now' | 'newId'>,
  caller: Caller,
  { projectId, key, value }: { projectId: ProjectId | null; key: string; value: string },
): Promise<Secret> {
  const owner = await secretOwner({ store }, caller, projectId, 'configure');
  checkedSecretName(key, 'key');
  checkValue(value);

  const sealed = await vault.seal(value);
  return store.transaction(async (records) => {
    const { tenantId, actor } = caller;
    const at = now();
    const existing = (await records.secrets.find(tenantId, owner, key))?.secret;
    const secretId = existing?.id ?? newId('secr');
    const version = { id: newId('sver'), tenantId, secretId, sealed, createdBy: actor, createdAt: at, revokedAt: null };
    const secret: Secret = {
      id: secretId,
      tenantId,
      projectId: owner,
      key,
      currentVersionId: version.id,
      createdAt: existing?.createdAt ?? at,
      updatedAt: at,
    };
    await records.secrets.put(secret, version);
    await recordAct(records, caller, {
      subjectKind: 'secret',
      subjectId: secretId,
      from: existing ? 'set' : null,
      to: 'set',
      event: 'set',
      at,
    });
    return secret;
  });
}

/** Whose secret it is: the caller's project by its id, or null for the organisation, which tokens of one project do not reach. */
export async function secretOwner(
  { store }: Pick<Platform, 'store'>,
  caller: Caller,
  projectId: ProjectId | null,
  scope: 'read' | 'configure',
): Promise<ProjectId | null> {
  if (projectId !== null) return (await findProject({ store }, caller, scope, projectId)).id;
  authorizeOrganisation(caller, scope);
  return null;
}

function checkValue(value: string): void {
  if (value === '') throw invalidField('value', 'Give a value that is not empty; delete the secret to take it away.');
  if (Buffer.byteLength(value) > maxBytes) throw invalidField('value', 'A secret holds at most 64 KiB.');
  if (value.includes('\0'))
    throw invalidField('value', 'A secret holds no NUL character: no environment could carry it.');
}
