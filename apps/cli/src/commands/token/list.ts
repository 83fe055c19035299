import { command } from '../../command.ts';
import { table, when } from '../../output/text.ts';
import { listed, pageQuery, paging } from '../paging.ts';

export const tokenList = command({
  name: 'token list',
  summary: 'list the API tokens; never the tokens themselves',
  options: paging,

  async run({ api, answer }, options) {
    const tokens = await api.listTokens(pageQuery(options));
    answer(tokens, () =>
      listed(tokens, 'token', (items) =>
        table(
          ['Token ID', 'Name', 'Scopes', 'Project', 'Expires', 'State'],
          items.map((token) => [
            token.id,
            token.name,
            token.scopes.join(','),
            token.project_id ?? 'all',
            token.expires_at ? when(token.expires_at) : 'never',
            token.revoked_at ? 'revoked' : 'valid',
          ]),
        ),
      ),
    );
  },
});
