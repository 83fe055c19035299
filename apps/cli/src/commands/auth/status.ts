import { command } from '../../command.ts';
import { fields } from '../../output/text.ts';

export const authStatus = command({
  name: 'auth status',
  summary: 'show which server is used, how it was found, and what the token may do',

  async run({ api, server, answer }) {
    const me = await api.me();
    answer(me, () => [
      `Server: ${server.url} (by ${server.from})`,
      ...fields({
        Actor: me.actor,
        Organisation: me.org_id,
        Project: me.project_id ?? 'all',
        Scopes: me.scopes.join(', '),
        Operator: me.is_admin ? 'yes' : null,
      }),
    ]);
  },
});
