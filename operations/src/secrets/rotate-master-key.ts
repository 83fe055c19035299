import type { SecretVersionId } from '@eve/domain';
import type { Caller } from '../caller.ts';
import { recordAct } from '../organisations/record-act.ts';
import { authorizeOperator } from '../organisations/refuse.ts';
import type { Platform } from '../platform.ts';
import type { MasterKeyName } from '../ports/keys.ts';
import type { SealedVersion } from '../ports/secret-records.ts';

const batch = 200;

type Needed = Pick<Platform, 'store' | 'vault' | 'now' | 'log'>;

/** How far a rotation has come. */
export interface KeyRotation {
  /** The key that seals now. */
  readonly key: MasterKeyName;
  /** Whether this call has made it; otherwise it went on with a rotation that had begun. */
  readonly started: boolean;
  /** Values that this call has sealed anew. */
  readonly resealed: number;
  /** Values that are sealed with former keys still. */
  readonly remaining: number;
  /** Of these, values that cannot be opened: they keep their key from being forgotten. */
  readonly unreadable: readonly SecretVersionId[];
  readonly forgotten: readonly MasterKeyName[];
  /** Nothing is sealed with a former key, and none is kept. */
  readonly done: boolean;
}

/**
 * Makes a new master key, seals every value anew with it and forgets the former ones; builds and deploys go on meanwhile. It stops
 * after about `forMs` and is asked again until it is done; also after a crash it goes on where it was. Throws `key_not_rotatable`.
 */
export async function rotateMasterKey(
  platform: Needed,
  caller: Caller,
  { forMs = 5_000 }: { forMs?: number } = {},
): Promise<KeyRotation> {
  const { store, vault, now } = platform;
  authorizeOperator(caller, 'changes the master key');
  const until = now().getTime() + forMs;
  const started = await beginUnlessBegun(platform, caller);

  const unreadable: SecretVersionId[] = [];
  const forgotten: MasterKeyName[] = [];
  let resealed = 0;
  let remaining = 0;
  for (const key of await vault.former()) {
    let after: SecretVersionId | null = null;
    do {
      const sealed = await resealBatch(platform, key, after);
      resealed += sealed.count;
      unreadable.push(...sealed.unreadable);
      after = sealed.last;
    } while (after !== null && now().getTime() < until);
    const left = await store.masterKeys.count(key);
    if (left === 0 && (await forget(platform, caller, key))) forgotten.push(key);
    else remaining += await store.masterKeys.count(key);
  }
  const done = (await vault.former()).length === 0;
  return { key: await vault.current(), started, resealed, remaining, unreadable, forgotten, done };
}

function beginUnlessBegun({ store, vault, now }: Needed, caller: Caller): Promise<boolean> {
  return store.transaction(async (records) => {
    await records.masterKeys.lock();
    if ((await vault.former()).length > 0) return false;
    const before = nameOf(await vault.current());
    const made = nameOf(await vault.rotate());
    await recordAct(records, caller, keyAct(made, { from: before, to: 'current', event: 'rotate', at: now() }));
    return true;
  });
}

/** Seals the next values of a former key anew; `last` is null when there was none after the given one. */
function resealBatch(
  { store, vault, log }: Needed,
  key: MasterKeyName,
  after: SecretVersionId | null,
): Promise<{ count: number; unreadable: SecretVersionId[]; last: SecretVersionId | null }> {
  return store.transaction(async ({ masterKeys }) => {
    await masterKeys.lock();
    const found = await masterKeys.sealedWith(key, { after, limit: batch });
    const anew: SealedVersion[] = [];
    const unreadable: SecretVersionId[] = [];
    for (const { id, sealed } of found) {
      const value = await vault.open(sealed).catch((error: unknown) => {
        log.error({ secretVersionId: id, error: String(error) }, 'a secret could not be opened to seal it anew');
        return null;
      });
      if (value === null) unreadable.push(id);
      else anew.push({ id, sealed: await vault.seal(value) });
    }
    if (anew.length > 0) await masterKeys.reseal(anew);
    return { count: anew.length, unreadable, last: found.at(-1)?.id ?? null };
  });
}

/** Lets nothing more be stored that is sealed with a key, and only then forgets it. False when something was, meanwhile. */
async function forget({ store, vault, now }: Needed, caller: Caller, key: MasterKeyName): Promise<boolean> {
  const retired = await store.transaction(async (records) => {
    await records.masterKeys.lock();
    if ((await records.masterKeys.count(key)) > 0) return false;
    const at = now();
    await records.masterKeys.retire(key, at);
    await recordAct(records, caller, keyAct(nameOf(key), { from: 'current', to: 'retired', event: 'retire', at }));
    return true;
  });
  if (!retired) return false;
  await store.transaction(async ({ masterKeys }) => {
    await masterKeys.lock();
    await vault.forget(key.masterKeyId, key.keyVersion);
  });
  return true;
}

function keyAct(name: string, act: { from: string | null; to: string; event: string; at: Date }) {
  return { subjectKind: 'master_key', subjectId: name, ...act };
}

function nameOf({ masterKeyId, keyVersion }: MasterKeyName): string {
  return `${masterKeyId}/${keyVersion}`;
}
