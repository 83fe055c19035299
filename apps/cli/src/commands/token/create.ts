import { command, list, number, text } from '../../command.ts';
import { when } from '../../output/text.ts';

export const tokenCreate = command({
  name: 'token create',
  summary: 'make an API token; it is shown once',
  arguments: ['<name>'],
  options: {
    scopes: list('<names>', 'what it may do: read, build, release, deploy, configure, admin (read)'),
    days: number('<n>', 'how long it is valid; for ever when left out'),
    onlyProject: text('<id|slug>', 'it opens this project only'),
  },
  examples: ['eve token create ci --scopes build,deploy --only-project shop --days 90'],

  async run({ api, answer, say }, { scopes, days, onlyProject }, [name]) {
    const token = await api.createToken({
      name,
      // The server knows the scopes and says so.
      scopes: (scopes ?? ['read']) as 'read'[],
      ...(days !== undefined && { expires_in_days: days }),
      ...(onlyProject && { project_id: onlyProject }),
    });
    say(
      `Token ${token.id} for ${token.scopes.join(', ')}${token.expires_at ? `, valid until ${when(token.expires_at)}` : ''}. It is shown once:`,
    );
    answer(token, () => [token.token ?? '(shown before)']);
  },
});
