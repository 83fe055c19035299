import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { UsageError } from './failure.ts';

const text = z
  .string()
  .optional()
  .transform((value) => value?.trim() || undefined);

const schema = z.object({
  EVE_API_URL: text,
  EVE_TOKEN: text,
  EVE_PROFILE: text,
  EVE_PROJECT_ID: text,
  EVE_DATA_DIR: text,
  XDG_DATA_HOME: text,
  XDG_CONFIG_HOME: text,
  HOME: text,
  NO_COLOR: text,
  TERM: text,
});

/** What the environment says to the command line; nothing else reads it. */
export interface CliConfig {
  readonly apiUrl: string | undefined;
  readonly token: string | undefined;
  readonly profile: string | undefined;
  readonly project: string | undefined;
  /** Where a local Eve leaves its credentials. */
  readonly dataDir: string;
  /** Where profiles are kept. */
  readonly configDir: string;
  readonly colours: boolean;
}

export function readConfig(environment: NodeJS.ProcessEnv = process.env): CliConfig {
  const values = schema.parse(environment);
  const home = values.HOME ?? homedir();
  return {
    apiUrl: values.EVE_API_URL === undefined ? undefined : serverUrl(values.EVE_API_URL, 'EVE_API_URL'),
    token: values.EVE_TOKEN,
    profile: values.EVE_PROFILE,
    project: values.EVE_PROJECT_ID,
    dataDir: values.EVE_DATA_DIR ?? join(values.XDG_DATA_HOME ?? join(home, '.local', 'share'), 'eve'),
    configDir: join(values.XDG_CONFIG_HOME ?? join(home, '.config'), 'eve'),
    colours: values.NO_COLOR === undefined && values.TERM !== 'dumb',
  };
}

/** A server's address as it is kept: http or https, nothing after the path. */
export function serverUrl(given: string, from: string): string {
  const parsed = URL.canParse(given) ? new URL(given) : null;
  if (!parsed || !/^https?:$/.test(parsed.protocol)) {
    throw new UsageError(`${from} must be an address such as http://127.0.0.1:4600, not "${given}".`);
  }
  if (parsed.username || parsed.password) throw new UsageError(`${from} must not hold a user name or password.`);
  return `${parsed.origin}${parsed.pathname}`.replace(/\/+$/, '');
}
