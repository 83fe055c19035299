import { command } from '../../command.ts';
import { readProfiles, writeProfiles } from '../../profiles.ts';

export const authLogout = command({
  name: 'auth logout',
  summary: 'forget a server and its token; the token itself stays valid until it is revoked',
  offline: true,

  async run({ config, profile, answer, say }) {
    const { current, profiles } = await readProfiles(config.configDir);
    const name = profile ?? config.profile ?? current;
    if (name === null || !profiles[name]) {
      answer({ logged_out: null }, () => ['Not logged in to any server.']);
      return;
    }
    const { [name]: _gone, ...rest } = profiles;
    await writeProfiles(config.configDir, {
      current: current === name ? (Object.keys(rest)[0] ?? null) : current,
      profiles: rest,
    });
    answer({ logged_out: name }, () => [`Forgot profile ${name}.`]);
    say('Revoke its token with `eve token revoke <token-id>` if nobody needs it any more.');
  },
});
