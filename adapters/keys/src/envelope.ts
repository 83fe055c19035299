import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import type { SealedValue } from '@eve/domain';

/** A key that wraps the keys of values, with what tells it from others. */
export interface MasterKey {
  readonly id: string;
  readonly version: number;
  /** 32 bytes. */
  readonly bytes: Uint8Array;
}

/** A master key named after its bytes, which the name does not tell. */
export function masterKey(bytes: Uint8Array, version = 1): MasterKey {
  if (bytes.length !== 32) throw new Error('A master key has 32 bytes.');
  return {
    id: createHash('sha256').update('eve master key').update(bytes).digest('hex').slice(0, 16),
    version,
    bytes,
  };
}

/** Whether a value was sealed with a key, as far as its names say. */
export function isSealedWith(sealed: SealedValue, { id, version }: MasterKey): boolean {
  return id === sealed.masterKeyId && version === sealed.keyVersion;
}

/** An envelope: the value under a data key of its own, which the master key wraps. */
export function sealWith(key: MasterKey, value: string): SealedValue {
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
}

/** The value, or null when the envelope was changed or is another key's. */
export function openWith(key: MasterKey, sealed: SealedValue): string | null {
  try {
    const wrapped = Buffer.from(sealed.wrappedKey, 'base64');
    const dataKey = decrypt(key.bytes, wrapped.subarray(0, 12), wrapped.subarray(12), boundTo('key', key));
    const nonce = Buffer.from(sealed.nonce, 'base64');
    const value = decrypt(dataKey, nonce, Buffer.from(sealed.ciphertext, 'base64'), boundTo('value', key));
    dataKey.fill(0);
    return value.toString('utf8');
  } catch {
    // The cause may hold parts of the text.
    return null;
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
