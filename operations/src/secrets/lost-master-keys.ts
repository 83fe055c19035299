import type { Platform } from '../platform.ts';
import type { MasterKeyName } from '../ports/keys.ts';

/** Master keys with which values are sealed and which this process does not have, told to the operator too: their values cannot be opened. */
export async function lostMasterKeys({
  store,
  vault,
  log,
}: Pick<Platform, 'store' | 'vault' | 'log'>): Promise<readonly MasterKeyName[]> {
  const lost: MasterKeyName[] = [];
  for (const key of await store.masterKeys.names()) {
    const [value] = await store.masterKeys.sealedWith(key, { after: null, limit: 1 });
    if (!value || (await opens(vault, value.sealed))) continue;
    lost.push(key);
    log.error(
      { ...key, values: await store.masterKeys.count(key) },
      'secrets are sealed with a master key that is not here: restore its file, or EVE_MASTER_KEY, from a backup',
    );
  }
  return lost;
}

async function opens(vault: Platform['vault'], sealed: Parameters<Platform['vault']['open']>[0]): Promise<boolean> {
  return vault.open(sealed).then(
    () => true,
    () => false,
  );
}
