import { type MasterKey, masterKey, vault } from '@eve/adapter-keys';
import { PlatformError } from '@eve/domain';
import type { Vault } from '@eve/operations';
import type { Config } from './config.ts';

/** A vault with the keys that the operator gives by the environment; null where they stand in a file. Throws `request_invalid`. */
export function givenVault(config: Pick<Config, 'EVE_MASTER_KEY' | 'EVE_MASTER_KEY_FORMER'>): Vault | null {
  const { EVE_MASTER_KEY: current, EVE_MASTER_KEY_FORMER: former } = config;
  if (current === undefined) {
    if (former === undefined) return null;
    throw new PlatformError('request_invalid', 'EVE_MASTER_KEY_FORMER is for what EVE_MASTER_KEY replaces: give both.');
  }
  const key = masterKey(bytesOf('EVE_MASTER_KEY', current));
  if (former === undefined) return vault(key, [], [unnamed(key)]);
  const before = masterKey(bytesOf('EVE_MASTER_KEY_FORMER', former));
  if (before.id === key.id) {
    throw new PlatformError('request_invalid', 'EVE_MASTER_KEY_FORMER and EVE_MASTER_KEY are the same key.');
  }
  return vault(key, [before, unnamed(before)], [unnamed(key)]);
}

/** Given keys all had one name in the first releases. */
function unnamed({ bytes }: MasterKey): MasterKey {
  return { id: 'environment', version: 1, bytes };
}

function bytesOf(name: string, text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length === 32) return bytes;
  throw new PlatformError(
    'request_invalid',
    `${name} must be the base64 of exactly 32 bytes: \`openssl rand -base64 32\`.`,
  );
}
