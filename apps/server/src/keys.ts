import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { keyFileVault } from '@eve/adapter-keys';
import { openLoginKey, readLoginKey, readSigningKey, registryTokens } from '@eve/adapter-registries';
import { PlatformError } from '@eve/domain';
import type { RegistryTokens, Vault } from '@eve/operations';
import type { Config } from './config.ts';
import { givenVault } from './given-vault.ts';

/** What every process of an installation has to have the same of. */
export interface Keys {
  readonly vault: Vault;
  /** Signs the passwords that runs are given for the registry. */
  readonly loginKey: Uint8Array;
  /** Null where no registry accepts tokens of ours. */
  readonly registryTokens: RegistryTokens | null;
}

type KeyConfig = Pick<Config, 'dataDir' | 'EVE_KEYS_DIR' | 'EVE_MASTER_KEY' | 'EVE_MASTER_KEY_FORMER'>;

/** How each file of EVE_KEYS_DIR is made. */
const recipes = {
  'master.key': 'openssl rand -base64 32 > master.key',
  'registry-logins.key': 'openssl rand 32 > registry-logins.key',
  'token.key':
    'openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 7300 -subj /CN=eve-api -keyout token.key -out token.crt',
  'token.crt': 'the command that makes token.key',
} as const;

/**
 * The keys of an installation: those that the operator gives, else files of the data directory, which are made once.
 * Where a directory is given none is made in it, for each process would make its own. Throws `request_invalid`.
 */
export async function openKeys(
  config: KeyConfig,
  { local, registry }: { local: boolean; registry: boolean },
): Promise<Keys> {
  const { dataDir, EVE_KEYS_DIR: given } = config;
  const vault = givenVault(config);
  if (given === undefined) {
    const own = join(dataDir, 'keys');
    return {
      vault: vault ?? (await keyFileVault(join(own, 'master.key'))),
      loginKey: await openLoginKey(join(own, 'registry-logins.key')),
      registryTokens: registry ? registryTokens({ dataDir }) : null,
    };
  }
  if (local) {
    throw new PlatformError(
      'request_invalid',
      'EVE_KEYS_DIR is for several processes; `npm start` has its keys in the data directory.',
    );
  }
  const file = async (name: keyof typeof recipes) => {
    const path = join(given, name);
    await access(path).catch((error: Error) => {
      const how = `EVE_KEYS_DIR must hold ${name}, which cannot be read there. It is made by: ${recipes[name]}`;
      throw new PlatformError('request_invalid', how, { cause: error });
    });
    return path;
  };
  if (registry) await Promise.all([file('token.key'), file('token.crt')]);
  return {
    vault: vault ?? (await keyFileVault(await file('master.key'))),
    loginKey: await readLoginKey(await file('registry-logins.key')),
    registryTokens: registry ? registryTokens({ key: await readSigningKey(given) }) : null,
  };
}
