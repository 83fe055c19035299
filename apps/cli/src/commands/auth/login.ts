import { eveClient } from '@eve/protocol-rest/client';
import { command } from '../../command.ts';
import { serverUrl } from '../../config.ts';
import { UsageError } from '../../failure.ts';
import { readHidden } from '../../input.ts';
import { readProfiles, writeProfiles } from '../../profiles.ts';

export const authLogin = command({
  name: 'auth login',
  summary: 'keep a server and its token for later commands; the token is read from stdin',
  offline: true,
  examples: [
    'eve auth login --api-url https://eve.example.com                  asks for the token',
    'eve auth login --api-url https://eve.example.com < token.txt',
    'eve auth login --profile work --api-url https://eve.example.com   several servers, chosen by --profile',
  ],

  async run({ config, apiUrl, profile, input, answer }) {
    const given = apiUrl ?? config.apiUrl;
    if (given === undefined) throw new UsageError('Name the server: eve auth login --api-url <url>');
    const url = serverUrl(given, '--api-url');
    const token = (await readHidden(input, `Token for ${url}: `)).trim();
    if (token === '') throw new UsageError('No token came from stdin.', ['Make one with `eve token create <name>`.']);
    const me = await eveClient({ url, token }).me();
    const name = profile ?? config.profile ?? 'default';
    const { profiles } = await readProfiles(config.configDir);
    await writeProfiles(config.configDir, { current: name, profiles: { ...profiles, [name]: { url, token } } });
    answer({ profile: name, url, ...me }, () => [`Logged in to ${url} as ${me.actor} (profile ${name}).`]);
  },
});
