import { type CliConfig, serverUrl } from './config.ts';
import { UsageError } from './failure.ts';
import { readCredentials, readProfiles } from './profiles.ts';

/** Whom the command talks to, and how it was found. */
export interface Server {
  readonly url: string;
  readonly token: string | undefined;
  readonly from: string;
}

/** By --api-url or EVE_API_URL with EVE_TOKEN, then a profile, then what a local Eve left in its data directory. Null when nothing says. */
export async function findServer(
  config: CliConfig,
  given: { apiUrl?: string | undefined; profile?: string | undefined },
): Promise<Server | null> {
  if (given.apiUrl !== undefined) return withToken(config, serverUrl(given.apiUrl, '--api-url'), '--api-url');
  const { profiles, current } = await readProfiles(config.configDir);
  if (given.profile !== undefined) {
    const named = profiles[given.profile];
    if (named) return { ...named, token: config.token ?? named.token, from: `profile ${given.profile}` };
    const known = Object.keys(profiles);
    throw new UsageError(`There is no profile "${given.profile}".`, [
      known.length > 0
        ? `Known: ${known.join(', ')}.`
        : `Make it: eve auth login --profile ${given.profile} --api-url <url>`,
    ]);
  }
  if (config.apiUrl !== undefined) return withToken(config, config.apiUrl, 'EVE_API_URL');
  const name = config.profile ?? current;
  const profile = name === null ? undefined : profiles[name];
  if (config.profile !== undefined && !profile)
    throw new UsageError(`EVE_PROFILE names no profile: "${config.profile}".`);
  if (profile) return { ...profile, token: config.token ?? profile.token, from: `profile ${name}` };
  const local = await readCredentials(config.dataDir);
  return local && { ...local, token: config.token ?? local.token, from: `the local Eve in ${config.dataDir}` };
}

/** A token is sent only to the server that it was kept for. */
async function withToken(config: CliConfig, url: string, from: string): Promise<Server> {
  if (config.token !== undefined) return { url, token: config.token, from };
  const { profiles } = await readProfiles(config.configDir);
  const local = await readCredentials(config.dataDir);
  const kept = [...Object.values(profiles), ...(local ? [local] : [])].find((each) => isSame(each.url, url));
  return { url, token: kept?.token, from };
}

function isSame(one: string, other: string): boolean {
  return one.replace(/\/+$/, '') === other.replace(/\/+$/, '');
}

export const noServer = new UsageError('No Eve server is known here.', [
  'Start one on this machine with `npm start`, or log in to one: eve auth login --api-url <url>',
  'Or set EVE_API_URL and EVE_TOKEN.',
]);
