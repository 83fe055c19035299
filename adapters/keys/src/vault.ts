import { PlatformError } from '@eve/domain';
import type { MasterKeyName, Vault } from '@eve/operations';
import { isSealedWith, type MasterKey, openWith, sealWith } from './envelope.ts';
import { isNamed, type KeyRing, type KeyRingPlace } from './key-ring.ts';
import { keyRingFile, makeKeyRingFile } from './key-ring-file.ts';

/** Seals with keys of a file, which is made when there is none; keys that other processes add to it are taken up. */
export async function keyFileVault(path: string): Promise<Vault> {
  await makeKeyRingFile(path);
  const file = keyRingFile(path);
  const remembered = new Map<string, MasterKey>();
  const read = async () => remember(await file.read());
  await read();
  return vaultOf({ ...file, read }, () => [...remembered.values()]);

  // Also a key that was forgotten meanwhile: what this process has already read may be sealed with it.
  function remember(ring: KeyRing): KeyRing {
    for (const key of [ring.current, ...ring.former]) remembered.set(`${key.id}/${key.version}`, key);
    return ring;
  }
}

/** Seals with a key that the operator gives. `former` ones still open what they sealed; so do `aliases`, which no rotation ends. */
export function vault(key: MasterKey, former: readonly MasterKey[] = [], aliases: readonly MasterKey[] = []): Vault {
  let ring: KeyRing = { current: key, former };
  const all = [key, ...former, ...aliases];
  for (const { bytes } of all) {
    if (bytes.length !== 32) throw new Error('A master key has 32 bytes.');
  }
  return vaultOf(
    {
      read: async () => ring,
      add: async () => {
        throw new PlatformError(
          'key_not_rotatable',
          'The master key is given to this server as EVE_MASTER_KEY, so only its operator can change it: put the key of today into EVE_MASTER_KEY_FORMER and a new one (`openssl rand -base64 32`) into EVE_MASTER_KEY, restart every process of Eve, and repeat `eve secrets rotate-key`.',
        );
      },
      remove: async (name) => {
        ring = { ...ring, former: ring.former.filter((one) => !isNamed(one, name)) };
      },
    },
    () => all,
  );
}

function vaultOf(place: KeyRingPlace, known: () => readonly MasterKey[]): Vault {
  return {
    // Read every time: a value sealed with a key that was retired meanwhile would be refused.
    seal: async (value) => sealWith((await place.read()).current, value),

    async open(sealed) {
      const holders = () => known().filter((key) => isSealedWith(sealed, key));
      if (holders().length === 0) await place.read();
      const found = holders();
      if (found.length === 0) {
        throw new Error(`This value was sealed with another master key (${sealed.masterKeyId}).`);
      }
      for (const key of found) {
        const value = openWith(key, sealed);
        if (value !== null) return value;
      }
      throw new Error('This value cannot be opened: it was changed, or sealed with another key.');
    },

    current: async () => nameOf((await place.read()).current),
    former: async () => (await place.read()).former.map(nameOf),
    rotate: async () => nameOf((await place.add()).current),
    forget: (masterKeyId, keyVersion) => place.remove({ masterKeyId, keyVersion }),
  };
}

function nameOf({ id, version }: MasterKey): MasterKeyName {
  return { masterKeyId: id, keyVersion: version };
}
