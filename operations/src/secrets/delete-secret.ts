import { PlatformError } from '@eve/domain';
import type { Caller } from '../caller.ts';
import { recordAct } from '../organisations/record-act.ts';
import type { Platform } from '../platform.ts';
import { type SecretPlace, secretOwner } from './secret-place.ts';

/** Takes a secret away and revokes its versions: a rollback cannot bring them back. What runs keeps its value until its next deploy. */
export async function deleteSecret(
  { store, now }: Pick<Platform, 'store' | 'now'>,
  caller: Caller,
  { key, ...place }: SecretPlace & { key: string },
): Promise<void> {
  const { tenantId, projectId } = await secretOwner({ store }, caller, place, 'configure');
  await store.transaction(async (records) => {
    const found = await records.secrets.find(tenantId, projectId, key);
    if (!found) throw new PlatformError('secret_not_found', `There is no secret ${key}.`);
    const at = now();
    await records.secrets.delete(tenantId, projectId, key, at);
    const { id: subjectId } = found.secret;
    await recordAct(records, caller, {
      subjectKind: 'secret',
      subjectId,
      from: 'set',
      to: 'deleted',
      event: 'delete',
      at,
    });
  });
}
