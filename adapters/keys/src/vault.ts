import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { SealedValue } from '@eve/domain';
import type { Vault } from '@eve/operations';

/** A key that wraps the keys of values, with what tells it from others. */
export interface MasterKey {
  readonly id: string;
  readonly version: number;
  /** 32 bytes. */
  readonly bytes: Uint8Array;
}

/** Seals each value with a data key of its own, which the master key wraps; `former` keys still open what they sealed. */
export function vault(key: MasterKey, former: readonly MasterKey[] = []): Vault {
  for (const { bytes } of [key, ...former]) {
    if (bytes.length !== 32) throw new Error('A master key has 32 bytes.');
  }
  return {
    async seal(value) {
      const [dataKey, nonce, wrapNonce] = [randomBytes(32), randomBytes(12), randomBytes(12)];
      const wrapped = encrypt(key.bytes, wrapNonce, dataKey, boundTo('key', key));
      const ciphertext = encrypt(dataKey, nonce, Buffer.from(value, 'utf8'), boundTo('value', key));
      dataKey.fill(0);
      return {
        masterKeyId: key.id,
        keyVersion: key.version,
        wrappedKey: Buffer.concat([wrapNonce, wrapped]).toString('base64'),
        nonce: nonce.toString('base64'),
        ciphertext: ciphertext.toString('base64'),
      };
    },

    async open(sealed) {
      const holder = [key, ...former].find(
        ({ id, version }) => id === sealed.masterKeyId && version === sealed.keyVersion,
      );
      if (!holder) throw new Error(`This value was sealed with another master key (${sealed.masterKeyId}).`);
      return unseal(holder, sealed);
    },
  };
}

function unseal(key: MasterKey, sealed: SealedValue): string {
  try {
    const wrapped = Buffer.from(sealed.wrappedKey, 'base64');
    const dataKey = decrypt(key.bytes, wrapped.subarray(0, 12), wrapped.subarray(12), boundTo('key', key));
    const nonce = Buffer.from(sealed.nonce, 'base64');
    const value = decrypt(dataKey, nonce, Buffer.from(sealed.ciphertext, 'base64'), boundTo('value', key));
    dataKey.fill(0);
    return value.toString('utf8');
  } catch {
    // The cause may hold parts of the text.
    throw new Error('This value cannot be opened: it was changed, or sealed with another key.');
  }
}

/** What a ciphertext is for: one moved to another place or key does not open. */
function boundTo(what: 'key' | 'value', { id, version }: MasterKey): Buffer {
  return Buffer.from(`eve/1/${what}/${id}/${version}`);
}

function encrypt(key: Uint8Array, nonce: Uint8Array, text: Uint8Array, bound: Buffer): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(bound);
  return Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(key: Uint8Array, nonce: Uint8Array, sealed: Buffer, bound: Buffer): Buffer {
  const end = sealed.length - 16;
  if (end < 0) throw new Error('Too short.');
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 }).setAAD(bound);
  decipher.setAuthTag(sealed.subarray(end));
  return Buffer.concat([decipher.update(sealed.subarray(0, end)), decipher.final()]);
}
