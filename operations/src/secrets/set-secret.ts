import { PlatformError, type Secret } from '@eve/domain';
import type { Caller } from '../caller.ts';
import { recordAct } from '../organisations/record-act.ts';
import { invalidField } from '../organisations/refuse.ts';
import type { Platform } from '../platform.ts';
import { checkedSecretName } from '../projects/repository.ts';
import { type SecretOwner, type SecretPlace, secretOwner } from './secret-place.ts';

const maxBytes = 64 * 1024;

/** Gives a secret a value: a new version, unless it has it already, which counts from the next deploy on. */
export async function setSecret(
  platform: Pick<Platform, 'store' | 'vault' | 'now' | 'newId'>,
  caller: Caller,
  { key, value, ...place }: SecretPlace & { key: string; value: string },
): Promise<Secret> {
  const owner = await secretOwner(platform, caller, place, 'configure');
  checkedSecretName(key, 'key');
  checkValue(value);
  try {
    return await putSecret(platform, caller, owner, key, value);
  } catch (error) {
    if (!(error instanceof PlatformError && error.code === 'record_changed')) throw error;
    // The master key was retired after the value was sealed with it: now there is another one.
    return putSecret(platform, caller, owner, key, value);
  }
}

async function putSecret(
  { store, vault, now, newId }: Pick<Platform, 'store' | 'vault' | 'now' | 'newId'>,
  caller: Caller,
  { tenantId, projectId }: SecretOwner,
  key: string,
  value: string,
): Promise<Secret> {
  const sealed = await vault.seal(value);
  return store.transaction(async (records) => {
    const { actor } = caller;
    const at = now();
    const found = await records.secrets.find(tenantId, projectId, key);
    // The same value again is no new version: what runs with it need not be deployed again. One that cannot be opened is replaced.
    const before = found && (await vault.open(found.version.sealed).catch(() => null));
    if (found && before === value) return found.secret;
    const existing = found?.secret;
    const secretId = existing?.id ?? newId('secr');
    const version = { id: newId('sver'), tenantId, secretId, sealed, createdBy: actor, createdAt: at, revokedAt: null };
    const secret: Secret = {
      id: secretId,
      tenantId,
      projectId,
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

function checkValue(value: string): void {
  if (value === '') throw invalidField('value', 'Give a value that is not empty; delete the secret to take it away.');
  if (Buffer.byteLength(value) > maxBytes) throw invalidField('value', 'A secret holds at most 64 KiB.');
  if (value.includes('\0'))
    throw invalidField('value', 'A secret holds no NUL character: no environment could carry it.');
  if (!value.isWellFormed()) throw invalidField('value', 'A secret is text: this holds half a character.');
}
